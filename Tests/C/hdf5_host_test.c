/*
 * A host that uses HDF5 itself, and ends it, beside the library.
 *
 *     hdf5_host_test DETECTOR.h5
 */
#define H5_USE_110_API
#include <hdf5.h>
#include <stdio.h>

#include "cflowad.h"

static int failed;

static void check(int holds, const char *what) {
    if (holds) return;
    failed = 1;
    printf("failed: %s (%s)\n", what, cflowad_last_error());
}

static void open_and_close(const char *path, cflowad_status expected) {
    cflowad_model *model = NULL;

    check(cflowad_model_open(path, &model) == expected, path);
    check(cflowad_model_close(model) == CFLOWAD_OK, "close");
}

int main(int argc, char **argv) {
    hid_t file;
    int i;

    if (argc != 2) return 2;
    file = H5Fopen(argv[1], H5F_ACC_RDONLY, H5P_DEFAULT);
    check(file >= 0, "the host's file");
    for (i = 0; i < 3; i++) {
        open_and_close(argv[1], CFLOWAD_OK);
        open_and_close(argv[0], CFLOWAD_ERROR_FORMAT);
        check(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == (i == 0), "the host's objects");
        check(H5close() >= 0, "H5close");
        open_and_close(argv[1], CFLOWAD_OK);
        check(H5open() >= 0, "H5open");
    }
    printf("hdf5_host_test: %s\n", failed ? "failed" : "passed");
    return failed;
}
