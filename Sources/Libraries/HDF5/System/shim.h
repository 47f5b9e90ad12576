/* HDF5 through its interface of version 1.10, which later versions offer too. */
#define H5_USE_110_API
#include <hdf5.h>
