// Without the header, which calls it constant.
#include <stdint.h>
#include <stdlib.h>

int32_t mutants_chosen = -1;

__attribute__((constructor)) static void choose(void) {
    const char *number = getenv("MUTANT");
    if (number) mutants_chosen = atoi(number);
}
