#define _GNU_SOURCE
#include "CHDF5Shim.h"
#include "CReserve.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define H5_USE_110_API
#include <hdf5.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/* H5F_ACC_ and H5P_ constants would compare the exact version and abort the process; chdf5_check_version asks. */
#undef H5CHECK
#define H5CHECK

/* ---- the lock, and error printing ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The thread's error handler, of either generation, and its error stack, saved. */
typedef struct {
    unsigned is_version_2;
    H5E_auto2_t handler2;
    void *data2;
#ifndef H5_NO_DEPRECATED_SYMBOLS
    H5E_auto1_t handler1;
    void *data1;
#endif
    hid_t stack;
    int number;
} quiet;

/* Whether libhdf5 was refused memory on this thread since this was last asked. It has no status for that, but sets errno. */
static _Thread_local int met_shortage;

static quiet enter(void) {
    quiet q = {1};

    pthread_mutex_lock(&lock);
    q.number = errno;
    errno = 0;
    q.stack = H5Eget_current_stack();
    H5Eauto_is_v2(H5E_DEFAULT, &q.is_version_2);
#ifndef H5_NO_DEPRECATED_SYMBOLS
    if (!q.is_version_2) {
        H5Eget_auto1(&q.handler1, &q.data1);
        H5Eset_auto1(NULL, NULL);
        return q;
    }
#endif
    H5Eget_auto2(H5E_DEFAULT, &q.handler2, &q.data2);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return q;
}

static void leave(quiet q) {
    if (errno == ENOMEM) met_shortage = 1;
#ifndef H5_NO_DEPRECATED_SYMBOLS
    if (!q.is_version_2) H5Eset_auto1(q.handler1, q.data1);
    else
#endif
        H5Eset_auto2(H5E_DEFAULT, q.handler2, q.data2);
    if (q.stack >= 0) H5Eset_current_stack(q.stack);
    errno = q.number;
    pthread_mutex_unlock(&lock);
}

int chdf5_met_shortage(void) {
    int met = met_shortage;

    met_shortage = 0;
    return met;
}

static void drop(hid_t id) {
    if (id >= 0) H5Idec_ref(id);
}

int chdf5_check_version(void) {
    unsigned major = 0, minor = 0, release = 0;
    quiet q = enter();
    int status = H5get_libversion(&major, &minor, &release);

    leave(q);
    return status >= 0 && major == H5_VERS_MAJOR && minor == H5_VERS_MINOR ? 0 : -1;
}

void chdf5_describe_library(char *text, size_t capacity) {
    unsigned major = 0, minor = 0, release = 0;
    quiet q = enter();
    Dl_info found;

    if (H5get_libversion(&major, &minor, &release) < 0) major = minor = release = 0;
    leave(q);
    if (!dladdr((void *)(uintptr_t)H5get_libversion, &found) || !found.dli_fname)
        found.dli_fname = "a file without a name";
    snprintf(
        text, capacity, "HDF5 %u.%u.%u of %s where %d.%d is needed", major, minor, release, found.dli_fname,
        H5_VERS_MAJOR, H5_VERS_MINOR);
}

void chdf5_close(chdf5_id id) {
    quiet q = enter();

    drop(id);
    leave(q);
}

static void silence_end(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

void chdf5_expect_leak(void) {
    static int is_registered;

    pthread_mutex_lock(&lock);
    /* libhdf5 registered its own exit handler when it was first used; handlers registered later run earlier. */
    if (!is_registered) is_registered = atexit(silence_end) == 0;
    pthread_mutex_unlock(&lock);
}

/* ---- files: reading ---- */

/* A file driver that reads through the caller's function and writes nothing. */
typedef struct {
    haddr_t size;
    chdf5_read_callback read;
    void *context;
} file_source;

typedef struct {
    H5FD_t driver;
    file_source source;
    haddr_t end;
} source_file;

static H5FD_t *source_open(const char *name, unsigned flags, hid_t access, haddr_t maximum) {
    const file_source *source = H5Pget_driver_info(access);
    source_file *file = source && !(flags & H5F_ACC_RDWR) ? calloc(1, sizeof *file) : NULL;

    (void)name, (void)maximum;
    if (file) file->source = *source;
    return (H5FD_t *)file;
}

static herr_t source_close(H5FD_t *file) { return free(file), 0; }

static haddr_t source_end(const H5FD_t *file, H5FD_mem_t type) { return (void)type, ((const source_file *)file)->end; }

static herr_t source_set_end(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
    return (void)type, ((source_file *)file)->end = end, 0;
}

static haddr_t source_size(const H5FD_t *file, H5FD_mem_t type) {
    return (void)type, ((const source_file *)file)->source.size;
}

static herr_t source_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
    const file_source *source = &((source_file *)file)->source;

    (void)type, (void)transfer;
    return source->read(source->context, address, size, buffer);
}

static herr_t source_write(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer) {
    (void)file, (void)type, (void)transfer, (void)address, (void)size, (void)buffer;
    return -1;
}

/* The driver's identifier, negative until it is registered for the first file. It is not given back: when libhdf5 1.10 closes
 * the last file of a driver that was, it frees the driver's class before it uses it. */
static hid_t driver = -1;

/* Called when the process ends or the host calls H5close(); the next file registers the driver anew. */
static herr_t source_terminate(void) { return driver = -1, 0; }

static const H5FD_class_t source_driver = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)601, /* from HDF5's range for a program's private drivers */
#endif
    .name = "cflowad",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .terminate = source_terminate,
    .fapl_size = sizeof(file_source),
    .open = source_open,
    .close = source_close,
    .get_eoa = source_end,
    .set_eoa = source_set_end,
    .get_eof = source_size,
    .read = source_read,
    .write = source_write,
    .fl_map = H5FD_FLMAP_SINGLE,
};

chdf5_id chdf5_open_file(uint64_t size, chdf5_read_callback read, void *context) {
    file_source source = {size, read, context};
    quiet q = enter();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1;

    if (driver < 0) driver = H5FDregister(&source_driver);
    if (driver >= 0 && access >= 0 && H5Pset_driver(access, driver, &source) >= 0
        && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        file = H5Fopen("cflowad", H5F_ACC_RDONLY, access);
    drop(access);
    leave(q);
    return file;
}

/* ---- files: writing ---- */

static void *same(void *bytes) { return bytes; }
static herr_t nothing(void *bytes) { return (void)bytes, 0; }

/* The core driver takes files of the same name for the same file, and there must be none of that name on disk. */
static void make_name(char *name, size_t size) {
    static unsigned long long counter;

    snprintf(name, size, "/dev/null/cflowad-%llu", ++counter);
}

/* All memory is allocated before the file is made, since libhdf5 does not recover when it cannot write any further. */
static void *keep_allocate(size_t size, H5FD_file_image_op_t operation, void *context) {
    chdf5_image *image = context;
    void *memory = image->room;

    (void)operation;
    if (!memory || size > image->capacity) return malloc(size);
    image->room = NULL;
    return memory;
}

static void *keep_copy(void *to, const void *from, size_t size, H5FD_file_image_op_t operation, void *image) {
    (void)operation, (void)image;
    return memcpy(to, from, size);
}

static void *keep_resize(void *at, size_t size, H5FD_file_image_op_t operation, void *context) {
    chdf5_image *image = context;
    void *resized = !at ? keep_allocate(size, operation, context) : size <= image->capacity ? at : realloc(at, size);

    if (resized) image->size = size;
    if (resized && size > image->capacity) image->capacity = size;
    return resized;
}

/* Closing the file would free its bytes: they are what is wanted. */
static herr_t keep_free(void *at, H5FD_file_image_op_t operation, void *image) {
    if (operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE && !((chdf5_image *)image)->bytes)
        ((chdf5_image *)image)->bytes = at;
    else free(at);
    return 0;
}

chdf5_id chdf5_create_image(size_t capacity, chdf5_image *image) {
    H5FD_file_image_callbacks_t callbacks = {keep_allocate, keep_copy, keep_resize, keep_free, same, nothing, image};
    char name[64];
    quiet q;
    hid_t access, creation, file = -1;

    if (!(image->room = creserve_allocate_strictly(16, capacity))) return -1;
    image->capacity = capacity;
    q = enter();
    access = H5Pcreate(H5P_FILE_ACCESS);
    creation = H5Pcreate(H5P_FILE_CREATE);
    make_name(name, sizeof name);
    /* Without times equal contents give equal bytes. */
    if (access >= 0 && creation >= 0 && H5Pset_obj_track_times(creation, 0) >= 0
        && H5Pset_fapl_core(access, 1 << 16, 0) >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0
        && H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0
        && H5Pset_file_image_callbacks(access, &callbacks) >= 0)
        file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    drop(creation);
    drop(access);
    leave(q);
    if (file < 0) {
        free(image->room);
        image->room = NULL;
    }
    return file;
}

/* The driver grows by whole increments; the file proper ends where its superblock (version 2 or 3) says. */
static uint64_t end_of_file(const chdf5_image *image) {
    const unsigned char *bytes = image->bytes;
    uint64_t end = 0;
    int i;

    if (!bytes || image->size < 48 || (bytes[8] != 2 && bytes[8] != 3)) return 0;
    for (i = 7; i >= 0; i--) end = end << 8 | bytes[28 + i];
    return end <= image->size ? end : 0;
}

int chdf5_finish_image(chdf5_id file, chdf5_image *image) {
    quiet q = enter();
    int status = H5Fclose(file);

    image->size = (size_t)end_of_file(image);
    leave(q);
    free(image->room);
    image->room = NULL;
    return status < 0 || image->size == 0 ? -1 : 0;
}

/* ---- groups and links ---- */

int chdf5_link_kind(chdf5_id group, const char *name, uint64_t *address) {
    quiet q = enter();
    H5L_info_t info;
    int kind;

    if (H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0) {
        kind = info.type == H5L_TYPE_HARD ? 1 : 2;
        if (kind == 1) *address = info.u.address;
    } else kind = H5Lexists(group, name, H5P_DEFAULT) == 0 ? 0 : -1;
    leave(q);
    return kind;
}

int chdf5_external_link(chdf5_id group, const char *name, char *file, char *object) {
    quiet q = enter();
    char value[CHDF5_MAXIMUM_EXTERNAL_LINK];
    const char *found_file = NULL, *found_object = NULL;
    H5L_info_t info;
    int found = -1;

    if (H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0) {
        if (info.type != H5L_TYPE_EXTERNAL || info.u.val_size > sizeof value) {
            found = 0;
        } else if (
            H5Lget_val(group, name, value, sizeof value, H5P_DEFAULT) >= 0
            && H5Lunpack_elink_val(value, info.u.val_size, NULL, &found_file, &found_object) >= 0) {
            found = 1;
            strcpy(file, found_file); /* both lie within value, NUL-terminated: libhdf5 checks that */
            strcpy(object, found_object);
        }
    }
    leave(q);
    return found;
}

int chdf5_create_external_link(chdf5_id group, const char *name, const char *file, const char *object) {
    quiet q = enter();
    int status = H5Lcreate_external(file, object, group, name, H5P_DEFAULT, H5P_DEFAULT);

    leave(q);
    return status < 0 ? -1 : 0;
}

chdf5_id chdf5_open_object(chdf5_id group, const char *name, int *kind) {
    quiet q = enter();
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    H5I_type_t type = object >= 0 ? H5Iget_type(object) : H5I_BADID;

    *kind = type == H5I_GROUP ? CHDF5_OBJECT_GROUP : type == H5I_DATASET ? CHDF5_OBJECT_DATASET : CHDF5_OBJECT_OTHER;
    leave(q);
    return object;
}

uint64_t chdf5_object_address(chdf5_id object) {
    quiet q = enter();
    H5O_info_t info;
    int status = H5Oget_info2(object, &info, H5O_INFO_BASIC);

    leave(q);
    return status < 0 ? UINT64_MAX : info.addr;
}

int chdf5_group_filter_count(chdf5_id group) {
    quiet q = enter();
    hid_t creation = H5Gget_create_plist(group);
    int count = creation >= 0 ? H5Pget_nfilters(creation) : -1;

    drop(creation);
    leave(q);
    return count;
}

typedef struct {
    chdf5_name_callback callback;
    void *context;
} name_visit;

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *visit) {
    (void)group, (void)info;
    return ((name_visit *)visit)->callback(((name_visit *)visit)->context, name);
}

int chdf5_each_link(chdf5_id group, chdf5_name_callback callback, void *context) {
    name_visit visit = {callback, context};
    quiet q = enter();
    int status = H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, &visit);

    leave(q);
    return status;
}

chdf5_id chdf5_create_group(chdf5_id parent, const char *name) {
    quiet q = enter();
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE), link = H5Pcreate(H5P_LINK_CREATE), group = -1;

    if (creation >= 0 && link >= 0 && H5Pset_obj_track_times(creation, 0) >= 0
        && H5Pset_char_encoding(link, H5T_CSET_UTF8) >= 0)
        group = H5Gcreate2(parent, name, link, creation, H5P_DEFAULT);
    drop(creation);
    drop(link);
    leave(q);
    return group;
}

/* ---- types ---- */

static hid_t memory_type(int type) {
    switch (type) {
    case CHDF5_FLOAT: return H5T_NATIVE_FLOAT;
    case CHDF5_DOUBLE: return H5T_NATIVE_DOUBLE;
    case CHDF5_INT64: return H5T_NATIVE_INT64;
    case CHDF5_UINT8: return H5T_NATIVE_UINT8;
    case CHDF5_INT8: return H5T_NATIVE_INT8;
    case CHDF5_INT16: return H5T_NATIVE_INT16;
    default: return -1;
    }
}

static hid_t file_type(int type) {
    switch (type) {
    case CHDF5_FLOAT: return H5T_IEEE_F32LE;
    case CHDF5_DOUBLE: return H5T_IEEE_F64LE;
    case CHDF5_INT64: return H5T_STD_I64LE;
    case CHDF5_UINT8: return H5T_STD_U8LE;
    case CHDF5_INT8: return H5T_STD_I8LE;
    case CHDF5_INT16: return H5T_STD_I16LE;
    default: return -1;
    }
}

/* IEEE half precision, which HDF5 1.10 does not predefine, in the byte order of another type. */
static int is_half(hid_t type) {
    hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    int equal = half >= 0 && H5Tset_fields(half, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(half, 2) >= 0
        && H5Tset_ebias(half, 15) >= 0 && H5Tset_order(half, H5Tget_order(type)) >= 0 && H5Tequal(half, type) > 0;

    drop(half);
    return equal;
}

/* Accepts only the ordinary types of machines, although libhdf5 would convert any bit fields. */
static int type_kind(hid_t type) {
    const hid_t floats[] = {H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_IEEE_F64BE};
    const hid_t integers[] = {H5T_STD_I8LE,  H5T_STD_I8BE,  H5T_STD_U8LE,  H5T_STD_U8BE,  H5T_STD_I16LE, H5T_STD_I16BE,
                              H5T_STD_U16LE, H5T_STD_U16BE, H5T_STD_I32LE, H5T_STD_I32BE, H5T_STD_U32LE, H5T_STD_U32BE,
                              H5T_STD_I64LE, H5T_STD_I64BE, H5T_STD_U64LE, H5T_STD_U64BE};
    H5T_class_t class = H5Tget_class(type);
    size_t i;

    if (class == H5T_STRING) return H5Tis_variable_str(type) > 0 ? CHDF5_KIND_VARIABLE_TEXT : CHDF5_KIND_TEXT;
    for (i = 0; class == H5T_FLOAT && i < sizeof floats / sizeof *floats; i++)
        if (H5Tequal(type, floats[i]) > 0) return CHDF5_KIND_FLOAT;
    for (i = 0; class == H5T_INTEGER && i < sizeof integers / sizeof *integers; i++)
        if (H5Tequal(type, integers[i]) > 0) return CHDF5_KIND_INTEGER;
    return class == H5T_FLOAT && is_half(type) ? CHDF5_KIND_FLOAT : CHDF5_KIND_OTHER;
}

/* ---- datasets ---- */

static int fill_layout(hid_t creation, chdf5_dataset_info *info) {
    hsize_t chunk[H5S_MAX_RANK];
    unsigned values, flags, configuration;
    size_t count;
    int i, rank;

    switch (H5Pget_layout(creation)) {
    case H5D_COMPACT: info->layout = CHDF5_LAYOUT_COMPACT; break;
    case H5D_CONTIGUOUS: info->layout = CHDF5_LAYOUT_CONTIGUOUS; break;
    case H5D_CHUNKED: info->layout = CHDF5_LAYOUT_CHUNKED; break;
    default: return 0;
    }
    if ((info->external_files = H5Pget_external_count(creation)) < 0) return -1;
    if ((info->filter_count = H5Pget_nfilters(creation)) < 0) return -1;
    for (i = 0; i < info->filter_count && i < CHDF5_MAXIMUM_FILTERS; i++) {
        count = 0;
        info->filters[i] = H5Pget_filter2(creation, (unsigned)i, &flags, &count, &values, 0, NULL, &configuration);
        if (info->filters[i] < 0) return -1;
    }
    if (info->layout == CHDF5_LAYOUT_CHUNKED) {
        if ((rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk)) < 0) return -1;
        for (i = 0; i < rank && i < CHDF5_MAXIMUM_RANK; i++) info->chunk[i] = chunk[i];
    }
    return 0;
}

/* The type in memory that has the same bytes, among those that are read without libhdf5. */
static int native_type(hid_t type) {
    static const int types[] = {CHDF5_FLOAT, CHDF5_INT8, CHDF5_UINT8, CHDF5_INT16};
    size_t i;

    for (i = 0; i < sizeof types / sizeof *types; i++) {
        if (H5Tequal(type, memory_type(types[i])) > 0) return types[i];
    }
    return 0;
}

int chdf5_get_dataset_info(chdf5_id dataset, chdf5_dataset_info *info) {
    quiet q = enter();
    hid_t creation = H5Dget_create_plist(dataset), type = -1, space = -1;
    hsize_t dims[H5S_MAX_RANK];
    int i, status = -1;

    memset(info, 0, sizeof *info);
    info->rank = -1;
    if (creation >= 0) status = fill_layout(creation, info);
    /* Asking a virtual dataset for its extent would open the files that it is made of. */
    if (status >= 0 && info->layout != CHDF5_LAYOUT_OTHER && info->external_files == 0) {
        type = H5Dget_type(dataset);
        space = H5Dget_space(dataset);
        if (type < 0 || space < 0) status = -1;
        else {
            info->kind = type_kind(type);
            info->element_size = H5Tget_size(type);
            info->rank = H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_ndims(space);
            if (info->rank > CHDF5_MAXIMUM_RANK) info->rank = -1;
            if (info->rank > 0 && H5Sget_simple_extent_dims(space, dims, NULL) < 0) status = -1;
            for (i = 0; status >= 0 && i < info->rank; i++) info->dims[i] = dims[i];
            info->stored_bytes = H5Dget_storage_size(dataset);
            info->address = info->layout == CHDF5_LAYOUT_CONTIGUOUS ? H5Dget_offset(dataset) : HADDR_UNDEF;
            info->native = native_type(type);
        }
    }
    drop(space);
    drop(type);
    drop(creation);
    leave(q);
    return status;
}

int chdf5_get_chunk(
    chdf5_id dataset, const uint64_t *offset, uint64_t *address, uint64_t *size, uint32_t *skipped_filters) {
    quiet q = enter();
    hsize_t position[CHDF5_MAXIMUM_RANK], bytes = 0;
    hid_t space = H5Dget_space(dataset);
    haddr_t at = HADDR_UNDEF;
    unsigned mask = 0;
    int i, rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1, status = -1;

    if (rank > 0 && rank <= CHDF5_MAXIMUM_RANK) {
        for (i = 0; i < rank; i++) position[i] = offset[i];
        status = H5Dget_chunk_info_by_coord(dataset, position, &mask, &at, &bytes);
    }
    *address = at;
    *size = at == HADDR_UNDEF ? 0 : bytes;
    *skipped_filters = mask;
    drop(space);
    leave(q);
    return status < 0 ? -1 : 0;
}

int64_t chdf5_inflated_size(const void *bytes, size_t size, size_t limit) {
    unsigned char window[1 << 15];
    z_stream stream = {0};
    int status = Z_OK;
    uint64_t total = 0;

    if (size > UINT32_MAX || inflateInit(&stream) != Z_OK) return -1;
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)size;
    while (status == Z_OK && total <= limit) {
        stream.next_out = window;
        stream.avail_out = sizeof window;
        status = inflate(&stream, Z_NO_FLUSH);
        total += sizeof window - stream.avail_out;
    }
    inflateEnd(&stream);
    return status == Z_STREAM_END && total <= limit ? (int64_t)total : -1;
}

int chdf5_read_dataset(chdf5_id dataset, int type, void *values) {
    quiet q = enter();
    int status = H5Dread(dataset, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);

    leave(q);
    return status < 0 ? -1 : 0;
}

int chdf5_write_dataset(
    chdf5_id group, const char *name, int memory, int file, int rank, const uint64_t *dims, const uint64_t *chunk,
    const void *values) {
    quiet q = enter();
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), link = H5Pcreate(H5P_LINK_CREATE), space = -1, dataset = -1;
    hsize_t extents[CHDF5_MAXIMUM_RANK], chunks[CHDF5_MAXIMUM_RANK];
    int i, status = -1;

    if (rank >= 0 && rank <= CHDF5_MAXIMUM_RANK && creation >= 0 && link >= 0
        && H5Pset_obj_track_times(creation, 0) >= 0 && H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0
        && H5Pset_char_encoding(link, H5T_CSET_UTF8) >= 0) {
        for (i = 0; i < rank; i++) extents[i] = dims[i];
        for (i = 0; chunk && i < rank; i++) chunks[i] = chunk[i];
        status = chunk  ? (H5Pset_chunk(creation, rank, chunks) < 0 ? -1 : H5Pset_fletcher32(creation))
            : rank == 0 ? H5Pset_layout(creation, H5D_COMPACT)
                        : 0;
        space = H5Screate_simple(rank, extents, NULL);
        if (status >= 0 && space >= 0)
            dataset = H5Dcreate2(group, name, file_type(file), space, link, creation, H5P_DEFAULT);
        status = dataset >= 0 ? H5Dwrite(dataset, memory_type(memory), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) : -1;
    }
    drop(dataset);
    drop(space);
    drop(link);
    drop(creation);
    leave(q);
    return status < 0 ? -1 : 0;
}

/* ---- attributes ---- */

int chdf5_has_attribute(chdf5_id object, const char *name) {
    quiet q = enter();
    int exists = H5Aexists(object, name);

    leave(q);
    return exists;
}

chdf5_id chdf5_open_attribute(chdf5_id object, const char *name) {
    quiet q = enter();
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);

    leave(q);
    return attribute;
}

int chdf5_get_attribute_info(chdf5_id attribute, chdf5_attribute_info *info) {
    quiet q = enter();
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    int status = type >= 0 && count >= 0 ? 0 : -1;

    memset(info, 0, sizeof *info);
    if (status == 0) {
        info->kind = type_kind(type);
        info->is_space_padded = info->kind == CHDF5_KIND_TEXT && H5Tget_strpad(type) == H5T_STR_SPACEPAD;
        info->element_size = H5Tget_size(type);
        info->rank = H5Sget_simple_extent_ndims(space);
        info->count = (uint64_t)count;
    }
    drop(space);
    drop(type);
    leave(q);
    return status;
}

int chdf5_read_attribute(chdf5_id attribute, int type, void *values) {
    quiet q = enter();
    int status = H5Aread(attribute, memory_type(type), values);

    leave(q);
    return status < 0 ? -1 : 0;
}

int chdf5_read_text(chdf5_id attribute, void *bytes) {
    quiet q = enter();
    hid_t type = H5Aget_type(attribute);
    int status = type >= 0 ? H5Aread(attribute, type, bytes) : -1;

    drop(type);
    leave(q);
    return status < 0 ? -1 : 0;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *visit) {
    (void)object, (void)info;
    return ((name_visit *)visit)->callback(((name_visit *)visit)->context, name);
}

int chdf5_each_attribute(chdf5_id object, chdf5_name_callback callback, void *context) {
    name_visit visit = {callback, context};
    quiet q = enter();
    int status = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_attribute, &visit);

    leave(q);
    return status;
}

/* Creates an attribute, whose name is UTF-8, and writes all of it. count 0: a scalar. */
static int write_attribute(
    hid_t object, const char *name, hid_t stored, hid_t memory, size_t count, const void *values) {
    hid_t creation = H5Pcreate(H5P_ATTRIBUTE_CREATE), attribute = -1, space;
    hsize_t extent = count;
    int status = -1;

    space = count ? H5Screate_simple(1, &extent, NULL) : H5Screate(H5S_SCALAR);
    if (creation >= 0 && space >= 0 && stored >= 0 && H5Pset_char_encoding(creation, H5T_CSET_UTF8) >= 0)
        attribute = H5Acreate2(object, name, stored, space, creation, H5P_DEFAULT);
    if (attribute >= 0) status = H5Awrite(attribute, memory, values);
    drop(attribute);
    drop(space);
    drop(creation);
    return status < 0 ? -1 : 0;
}

int chdf5_write_attribute(chdf5_id object, const char *name, int type, size_t count, const void *values) {
    quiet q = enter();
    int status = write_attribute(object, name, file_type(type), memory_type(type), count, values);

    leave(q);
    return status;
}

int chdf5_write_text(chdf5_id object, const char *name, size_t length, size_t count, const void *bytes) {
    quiet q = enter();
    hid_t type = H5Tcopy(H5T_C_S1);
    int status = -1;

    if (type >= 0 && H5Tset_size(type, length) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0
        && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0)
        status = write_attribute(object, name, type, type, count, bytes);
    drop(type);
    leave(q);
    return status;
}
