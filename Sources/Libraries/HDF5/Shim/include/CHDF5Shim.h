/*
 * HDF5 without its macros, for Swift. Every function
 *
 * - runs under one lock of this library's, since not every libhdf5 is built thread-safe,
 * - prints nothing, and leaves the calling thread's HDF5 error handler and error stack as it found them,
 * - returns a negative number on failure, unless it says otherwise.
 *
 * Files are read by a callback and written to memory: libhdf5 opens and locks nothing on disk.
 */
#ifndef CHDF5SHIM_H
#define CHDF5SHIM_H

#include <stddef.h>
#include <stdint.h>

#define CHDF5_MAXIMUM_RANK 8
#define CHDF5_MAXIMUM_FILTERS 8

/** hid_t; negative on failure. */
typedef int64_t chdf5_id;

/** Types of numbers in memory and in written files (little-endian there). */
enum { CHDF5_FLOAT = 1, CHDF5_DOUBLE = 2, CHDF5_INT64 = 3, CHDF5_UINT8 = 4, CHDF5_INT8 = 5, CHDF5_INT16 = 6 };

/** What a stored type is; 0 is anything else, e.g. compound types or numbers of unusual layout. */
enum {
    CHDF5_KIND_OTHER = 0,
    CHDF5_KIND_FLOAT = 1,   /**< IEEE, 16, 32 or 64 bits, either byte order */
    CHDF5_KIND_INTEGER = 2, /**< two's complement or unsigned, 8 to 64 bits, either byte order */
    CHDF5_KIND_TEXT = 3,    /**< fixed length */
    CHDF5_KIND_VARIABLE_TEXT = 4
};

/** 0 when the library loaded at run time has the major and minor version of the header compiled against. */
int chdf5_check_version(void);

/** Writes which libhdf5 was found, and which is needed. */
void chdf5_describe_library(char *text, size_t capacity);

/** Whether libhdf5 was refused memory on this thread since the last call of this function, so that a failure need not be the
    file's. */
int chdf5_met_shortage(void);

/** Closes an identifier of any kind. */
void chdf5_close(chdf5_id id);

/**
 * Call this after a damaged file. libhdf5 1.10 loses a little memory when the checksum of metadata is wrong, and prints
 * "infinite loop closing library" for it when the process ends, unless the error handler is off by then: it will be.
 */
void chdf5_expect_leak(void);

/* ---- files */

/** Copies bytes of a file to the buffer. Returns 0, or -1 when they cannot be read or are not there. */
typedef int (*chdf5_read_callback)(void *context, uint64_t address, size_t size, void *buffer);

/**
 * Opens a file that the callback reads, under this library's lock. The context must outlive the identifier and everything
 * opened through it.
 */
chdf5_id chdf5_open_file(uint64_t size, chdf5_read_callback read, void *context);

/** The bytes of a file that was created in memory. */
typedef struct {
    void *bytes;
    size_t size;
    void *room;      /**< memory for the bytes */
    size_t capacity; /**< its size in bytes */
} chdf5_image;

/**
 * Creates a file in memory, whose metadata carry checksums (library version bounds 1.10).
 *
 * @param capacity  bytes that the file is expected to have at most: they are allocated at once, but used as the file grows.
 * @param image     empty; must stay at its address until chdf5_finish_image.
 */
chdf5_id chdf5_create_image(size_t increment, chdf5_image *image);

/** Closes the file and leaves its bytes in the image, to be released with free(). */
int chdf5_finish_image(chdf5_id file, chdf5_image *image);

/* ---- groups and links */

enum { CHDF5_OBJECT_OTHER = 0, CHDF5_OBJECT_GROUP = 1, CHDF5_OBJECT_DATASET = 2 };

/**
 * 1: a hard link of this name is there; 0: nothing is; 2: a soft, external or user-defined link.
 *
 * @param address  receives where the header of a hard link's object lies in the file.
 */
int chdf5_link_kind(chdf5_id group, const char *name, uint64_t *address);

/** The longest value of an external link that is read: its file and object names and their NULs. */
enum { CHDF5_MAXIMUM_EXTERNAL_LINK = 1024 };

/**
 * Reads what an external link names, without following it. file and object have room for CHDF5_MAXIMUM_EXTERNAL_LINK bytes.
 *
 * @return 1; 0 when the link is of another kind or longer; -1 on failure.
 */
int chdf5_external_link(chdf5_id group, const char *name, char *file, char *object);

/** Makes an external link. */
int chdf5_create_external_link(chdf5_id group, const char *name, const char *file, const char *object);

/** Opens what a hard link leads to; "/" is the root group. kind receives a CHDF5_OBJECT_. */
chdf5_id chdf5_open_object(chdf5_id group, const char *name, int *kind);

/** The address of an object's header in the file; UINT64_MAX on failure. */
uint64_t chdf5_object_address(chdf5_id object);

/** Number of filters on a group's own link storage. */
int chdf5_group_filter_count(chdf5_id group);

/** Receives a name; a non-zero return stops the iteration. */
typedef int (*chdf5_name_callback)(void *context, const char *name);

/** Calls back with the name of every link of a group, of any kind. The callback's non-zero value is returned. */
int chdf5_each_link(chdf5_id group, chdf5_name_callback callback, void *context);

chdf5_id chdf5_create_group(chdf5_id group, const char *name);

/* ---- datasets */

enum { CHDF5_LAYOUT_OTHER = 0, CHDF5_LAYOUT_COMPACT = 1, CHDF5_LAYOUT_CONTIGUOUS = 2, CHDF5_LAYOUT_CHUNKED = 3 };

enum { CHDF5_FILTER_DEFLATE = 1, CHDF5_FILTER_SHUFFLE = 2, CHDF5_FILTER_FLETCHER32 = 3 };

typedef struct {
    int layout;          /**< CHDF5_LAYOUT_; when OTHER (virtual), nothing below is filled */
    int external_files;  /**< when not 0, nothing below is filled */
    int kind;            /**< CHDF5_KIND_ */
    size_t element_size; /**< bytes, as stored */
    int rank;            /**< 0 scalar; -1 when there is no data space or above the maximum */
    uint64_t dims[CHDF5_MAXIMUM_RANK];
    uint64_t chunk[CHDF5_MAXIMUM_RANK]; /**< chunked layout only */
    int filter_count;                   /**< may exceed CHDF5_MAXIMUM_FILTERS */
    int filters[CHDF5_MAXIMUM_FILTERS]; /**< in the order of writing */
    uint64_t stored_bytes;              /**< space allocated in the file */
    uint64_t address;                   /**< contiguous layout: where the values begin, UINT64_MAX if nowhere */
    int native; /**< the CHDF5_ type of numbers in memory that it is, FLOAT or of 8 or 16 bits; or 0 */
} chdf5_dataset_info;

/** Describes a dataset without reading from it, and without touching files that it may refer to. */
int chdf5_get_dataset_info(chdf5_id dataset, chdf5_dataset_info *info);

/** A chunk's address in the file, its size, which is 0 when it is not allocated, and the filters that were skipped. */
int chdf5_get_chunk(
    chdf5_id dataset, const uint64_t *offset, uint64_t *address, uint64_t *size, uint32_t *skipped_filters);

/** Bytes that a zlib stream expands to, without keeping them; negative when it is damaged or exceeds limit. */
int64_t chdf5_inflated_size(const void *bytes, size_t size, size_t limit);

/** Reads the whole dataset as numbers of a type. */
int chdf5_read_dataset(chdf5_id dataset, int type, void *values);

/**
 * Creates a dataset and writes all of it: chunked with Fletcher32, or within the (checksummed) object header when it
 * is a scalar.
 *
 * @param chunk  rank extents; NULL for a scalar or a dataset without elements.
 */
int chdf5_write_dataset(
    chdf5_id group, const char *name, int memory_type, int file_type, int rank, const uint64_t *dims,
    const uint64_t *chunk, const void *values);

/* ---- attributes */

typedef struct {
    int kind;            /**< CHDF5_KIND_ */
    int is_space_padded; /**< fixed text */
    size_t element_size; /**< bytes, as stored */
    int rank;
    uint64_t count; /**< elements; 1 for a scalar */
} chdf5_attribute_info;

/** 1: there; 0: not. */
int chdf5_has_attribute(chdf5_id object, const char *name);

chdf5_id chdf5_open_attribute(chdf5_id object, const char *name);

int chdf5_get_attribute_info(chdf5_id attribute, chdf5_attribute_info *info);

int chdf5_read_attribute(chdf5_id attribute, int type, void *values);

/** Reads count * element_size bytes of fixed text as stored. */
int chdf5_read_text(chdf5_id attribute, void *bytes);

/** Calls back with the name of every attribute. The callback's non-zero value is returned. */
int chdf5_each_attribute(chdf5_id object, chdf5_name_callback callback, void *context);

/** Writes numbers as an attribute: an array of count, or a scalar when count is 0. */
int chdf5_write_attribute(chdf5_id object, const char *name, int type, size_t count, const void *values);

/** Writes UTF-8 texts of a fixed length, padded with NUL: an array of count, or a scalar when count is 0. */
int chdf5_write_text(chdf5_id object, const char *name, size_t length, size_t count, const void *bytes);

#endif
