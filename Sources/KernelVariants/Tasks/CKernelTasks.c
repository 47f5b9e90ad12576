/* A module needs a source of its own. */
#include "CKernelTasks.h"
