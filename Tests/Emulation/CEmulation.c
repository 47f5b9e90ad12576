#define _GNU_SOURCE
#include "CEmulation.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

/* The instructions, in their encodings (Intel's manual, volume 2). Those of AVX-VNNI add products to the 32-bit numbers of their
   destination, modulo 2^32:

       VEX.128/256.66.0F38.W0 50 /r   VPDPBUSD   four products of unsigned bytes of src1 with signed ones of src2
       VEX.128/256.66.0F38.W0 52 /r   VPDPWSSD   two products of signed words

   and those of AMX, on eight tiles of up to 16 rows of 64 bytes:

       VEX.128.NP.0F38.W0 49 /0       LDTILECFG   the rows of the tiles, and their lengths
       VEX.128.NP.0F38.W0 49 C0       TILERELEASE
       VEX.128.F2.0F38.W0 49 /r       TILEZERO
       VEX.128.F2.0F38.W0 4B /r       TILELOADD   from rows that are as many bytes apart as the index register says
       VEX.128.F3.0F38.W0 4B /r       TILESTORED
       VEX.128.66.0F38.W0 5E /r       TDPBUSD     adds the products of rows of unsigned bytes with columns of signed ones */

static struct sigaction previous;
static atomic_long computed;

#if defined(__x86_64__)

/* What Linux saves of the vector registers for a handler: in the standard form of XSAVE, the lower halves at 160, the upper ones at 576,
   with a bit for each part that is there, of which that of the lower halves always is. VEX instructions also clear what AVX-512 adds to
   a register; that is left as it is, since code for AVX2 does not see it. */
enum { LOWER = 160, STATE = 512, UPPER = 576, UPPER_IS_THERE = 4 };

typedef union vector {
    uint8_t bytes[32];
    int16_t words[16];
    uint32_t numbers[8];
} vector;

static vector load(const uint8_t *state, int number) {
    vector value;
    uint64_t parts;

    memset(&value, 0, sizeof value);
    memcpy(value.bytes, state + LOWER + 16 * number, 16);
    memcpy(&parts, state + STATE, sizeof parts);
    if (parts & UPPER_IS_THERE) memcpy(value.bytes + 16, state + UPPER + 16 * number, 16);
    return value;
}

static void store(uint8_t *state, int number, const vector *value) {
    uint64_t parts;

    memcpy(&parts, state + STATE, sizeof parts);
    if (!(parts & UPPER_IS_THERE)) memset(state + UPPER, 0, 16 * 16);
    parts |= UPPER_IS_THERE;
    memcpy(state + STATE, &parts, sizeof parts);
    memcpy(state + LOWER + 16 * number, value->bytes, 16);
    memcpy(state + UPPER + 16 * number, value->bytes + 16, 16);
}

static int64_t general(const greg_t *registers, int number) {
    static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

    return registers[order[number]];
}

static int64_t displacement(const uint8_t **code, int size) {
    int32_t wide;
    int8_t narrow;

    if (size == 4) memcpy(&wide, *code, 4);
    else memcpy(&narrow, *code, 1);
    *code += size;
    return size == 4 ? wide : narrow;
}

/* The address that a ModRM byte and what follows it stand for; `code` is moved behind them, which is the end of the instruction. */
static const void *address(const uint8_t **code, const greg_t *registers, int is_index_high, int is_base_high) {
    const int modrm = *(*code)++, mode = modrm >> 6, low = modrm & 7;
    int base = low | is_base_high << 3, size = mode == 1 ? 1 : mode == 2 ? 4 : 0;
    int64_t place = 0;

    if (low == 4) {
        const int sib = *(*code)++, index = (sib >> 3 & 7) | is_index_high << 3;

        base = (sib & 7) | is_base_high << 3;
        if (index != 4) place = (int64_t)((uint64_t)general(registers, index) << (sib >> 6));
        if (mode == 0 && (sib & 7) == 5) {
            base = -1;
            size = 4;
        }
    } else if (mode == 0 && low == 5) { /* from the next instruction on */
        place = displacement(code, 4);
        return (const void *)((intptr_t)*code + place);
    }
    if (base >= 0) place += general(registers, base);
    if (size > 0) place += displacement(code, size);
    return (const void *)(intptr_t)place;
}

/* What AMX adds to a thread. */
static _Thread_local struct {
    struct {
        uint8_t palette, start, unused[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape;
    uint8_t rows[8][16][64];
} tiles;

/* Returns 0 for shapes that the processor refuses. */
static int multiply_tiles(int sum, int a, int b) {
    int row, column, group, i;

    if (tiles.shape.rows[sum] != tiles.shape.rows[a] || tiles.shape.row_bytes[sum] != tiles.shape.row_bytes[b]
        || 4 * tiles.shape.rows[b] != tiles.shape.row_bytes[a] || tiles.shape.rows[a] > 16
        || tiles.shape.row_bytes[b] > 64)
        return 0;
    for (row = 0; row < tiles.shape.rows[sum]; row++)
        for (column = 0; column < tiles.shape.row_bytes[sum] / 4; column++) {
            uint32_t number;

            memcpy(&number, tiles.rows[sum][row] + 4 * column, 4);
            for (group = 0; group < tiles.shape.row_bytes[a] / 4; group++)
                for (i = 4 * group; i < 4 * group + 4; i++)
                    number += (uint32_t)((int)tiles.rows[a][row][i] * (int8_t)tiles.rows[b][group][4 * column + i % 4]);
            memcpy(tiles.rows[sum][row] + 4 * column, &number, 4);
        }
    return 1;
}

/* Computes an instruction of AMX, as `compute` does. */
static const uint8_t *compute_tiles(const uint8_t *code, const greg_t *registers) {
    enum { NONE, P66, F3, F2 };
    const int prefix = code[2] & 3, opcode = code[3], tile = code[4] >> 3 & 7, is_register = code[4] >> 6 == 3;
    const uint8_t *next = code + 4;

    if (opcode == 0x5e && prefix == P66 && is_register) {
        if (!multiply_tiles(tile, code[4] & 7, ~code[2] >> 3 & 7)) return NULL;
        next++;
    } else if (opcode == 0x49 && is_register) {
        if (prefix == NONE) memset(&tiles, 0, sizeof tiles);
        else memset(tiles.rows[tile], 0, sizeof tiles.rows[tile]);
        next++;
    } else if (opcode == 0x49 && prefix == NONE) {
        const void *place = address(&next, registers, !(code[1] & 0x40), !(code[1] & 0x20));

        memset(&tiles, 0, sizeof tiles);
        memcpy(&tiles.shape, place, sizeof tiles.shape);
        if (tiles.shape.palette != 1) return NULL;
    } else if (opcode == 0x4b && (prefix == F2 || prefix == F3)) {
        const int index = (code[5] >> 3 & 7) | !(code[1] & 0x40) << 3;
        const int64_t stride = general(registers, index) * (1 << (code[5] >> 6));
        uint8_t *place = (uint8_t *)address(&next, registers, !(code[1] & 0x40), !(code[1] & 0x20)) - stride;
        int row;

        if (prefix == F2) memset(tiles.rows[tile], 0, sizeof tiles.rows[tile]);
        for (row = 0; row < tiles.shape.rows[tile]; row++, place += stride)
            if (prefix == F2) memcpy(tiles.rows[tile][row], place, tiles.shape.row_bytes[tile]);
            else memcpy(place, tiles.rows[tile][row], tiles.shape.row_bytes[tile]);
    } else {
        return NULL;
    }
    computed++;
    return next;
}

/* Computes the instruction, and returns where the next one begins; NULL when it is another one. */
static const uint8_t *compute(const uint8_t *code, const greg_t *registers, uint8_t *state) {
    int lanes, lane, i, target, first;
    vector sum, a, b;
    uint8_t opcode;

    if (code[0] != 0xc4 || (code[1] & 31) != 2 || code[2] & 0x80) return NULL;
    if (code[3] == 0x49 || code[3] == 0x4b || code[3] == 0x5e) return compute_tiles(code, registers);
    if ((code[2] & 3) != 1 || (code[3] != 0x50 && code[3] != 0x52)) return NULL;
    lanes = code[2] & 4 ? 8 : 4;
    opcode = code[3];
    target = (code[4] >> 3 & 7) | !(code[1] & 0x80) << 3;
    first = ~code[2] >> 3 & 15;
    a = load(state, first);
    if (code[4] >> 6 == 3) {
        b = load(state, (code[4] & 7) | !(code[1] & 0x20) << 3);
        code += 5;
    } else {
        const uint8_t *next = code + 4;
        const void *place = address(&next, registers, !(code[1] & 0x40), !(code[1] & 0x20));

        memset(&b, 0, sizeof b);
        memcpy(&b, place, 4 * (size_t)lanes);
        code = next;
    }
    sum = load(state, target);
    for (lane = 0; lane < 8; lane++) {
        uint32_t products = 0;

        if (opcode == 0x50)
            for (i = 4 * lane; i < 4 * lane + 4; i++) products += (uint32_t)((int)a.bytes[i] * (int8_t)b.bytes[i]);
        else
            for (i = 2 * lane; i < 2 * lane + 2; i++) products += (uint32_t)((int)a.words[i] * b.words[i]);
        sum.numbers[lane] = lane < lanes ? sum.numbers[lane] + products : 0;
    }
    store(state, target, &sum);
    computed++;
    return code;
}

static void handle(int signal_number, siginfo_t *info, void *context) {
    ucontext_t *saved = context;
    greg_t *registers = saved->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)registers[REG_RIP], *next;

    (void)info;
    if (!(next = compute(code, registers, (uint8_t *)saved->uc_mcontext.fpregs))) {
        /* Illegal indeed: when it is tried again, the former handler has it. */
        sigaction(signal_number, &previous, NULL);
        return;
    }
    for (; next; next = compute(code, registers, (uint8_t *)saved->uc_mcontext.fpregs)) code = next;
    registers[REG_RIP] = (greg_t)code;
}

#else

static void handle(int signal_number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    sigaction(signal_number, &previous, NULL);
}

#endif

int cflowad_emulation_begin(void) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    computed = 0;
    return sigaction(SIGILL, &action, &previous) == 0;
}

long cflowad_emulation_end(void) {
    sigaction(SIGILL, &previous, NULL);
    return computed;
}
