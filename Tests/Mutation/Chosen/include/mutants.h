#ifndef MUTANTS_H
#define MUTANTS_H

#include <stdbool.h>
#include <stdint.h>

/// The number of the mutant that lives in this process; -1 for none. It is set before `main` and called constant, so that inner
/// loops need not read it again.
extern const int32_t mutants_chosen;

static inline bool mutant_is(int32_t number) { return mutants_chosen == number; }

#endif
