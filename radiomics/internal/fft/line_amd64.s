#include "textflag.h"

// The butterflies of line.go on two complex numbers at a time, in the order of
// operations that line.go has, so that the bits are the same.
//
// Registers: DI y, SI x, R8 w, CX what is left of the run, R9 bytes between
// outputs, R10 bytes between inputs, R11 and R12 three times these.
// Y15 is (s, −s, s, −s): a number with its parts exchanged, times Y15, is
// turned by −i (s = 1) or i (s = −1).

#define ARGS \
	MOVQ y+0(FP), DI    \
	MOVQ x+8(FP), SI    \
	MOVQ w+16(FP), R8   \
	MOVQ run+24(FP), CX \
	MOVQ apart+32(FP), R10 \
	MOVQ CX, R9    \
	SHLQ $4, R9    \
	SHLQ $4, R10   \
	LEAQ (R9)(R9*2), R11   \
	LEAQ (R10)(R10*2), R12

#define SIGN \
	VBROADCASTSD sign+40(FP), Y15 \
	VXORPD Y14, Y14, Y14          \
	VSUBPD Y15, Y14, Y14          \
	VBLENDPD $10, Y14, Y15, Y15

// TIMES(A, WR, WI, T) makes A·(WR + i·WI), both parts broadcast, in A.
#define TIMES(A, WR, WI, T) \
	VPERMILPD $5, A, T \
	VMULPD WR, A, A    \
	VMULPD WI, T, T    \
	VADDSUBPD T, A, A

// TURN(A) turns A by Y15.
#define TURN(A) \
	VPERMILPD $5, A, A \
	VMULPD Y15, A, A

// func radix2AVX(y, x, w *complex128, run, apart int)
TEXT ·radix2AVX(SB), NOSPLIT, $0-40
	ARGS
	VBROADCASTSD (R8), Y8
	VBROADCASTSD 8(R8), Y9

two:
	VMOVUPD (SI), Y0
	VMOVUPD (SI)(R10*1), Y1
	VADDPD  Y1, Y0, Y2
	VSUBPD  Y1, Y0, Y3
	VMOVUPD Y2, (DI)
	TIMES(Y3, Y8, Y9, Y4)
	VMOVUPD Y3, (DI)(R9*1)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $2, CX
	JGT     two
	VZEROUPPER
	RET

DATA constants<>+0(SB)/8, $0.5
DATA constants<>+8(SB)/8, $0.86602540378443864676372317075293618
DATA constants<>+16(SB)/8, $0.30901699437494742410229341718281906
DATA constants<>+24(SB)/8, $0.95105651629515357211643933337938214
DATA constants<>+32(SB)/8, $-0.80901699437494742410229341718281906
DATA constants<>+40(SB)/8, $0.58778525229247312916870595463907277
GLOBL constants<>(SB), RODATA|NOPTR, $48

// func radix3AVX(y, x, w *complex128, run, apart int, sign float64)
TEXT ·radix3AVX(SB), NOSPLIT, $0-48
	ARGS
	SIGN
	VBROADCASTSD (R8), Y8
	VBROADCASTSD 8(R8), Y9
	VBROADCASTSD 16(R8), Y10
	VBROADCASTSD 24(R8), Y11
	VBROADCASTSD constants<>+0(SB), Y12
	VBROADCASTSD constants<>+8(SB), Y13

three:
	VMOVUPD (SI), Y0
	VMOVUPD (SI)(R10*1), Y1
	VMOVUPD (SI)(R10*2), Y2
	VADDPD  Y2, Y1, Y3      // t
	VSUBPD  Y2, Y1, Y4      // b − c
	VMULPD  Y12, Y3, Y5
	VSUBPD  Y5, Y0, Y5      // u
	VMULPD  Y13, Y4, Y4
	TURN(Y4)                // v
	VADDPD  Y3, Y0, Y0
	VMOVUPD Y0, (DI)
	VADDPD  Y4, Y5, Y6
	VSUBPD  Y4, Y5, Y7
	TIMES(Y6, Y8, Y9, Y1)
	TIMES(Y7, Y10, Y11, Y2)
	VMOVUPD Y6, (DI)(R9*1)
	VMOVUPD Y7, (DI)(R9*2)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $2, CX
	JGT     three
	VZEROUPPER
	RET

// func radix4AVX(y, x, w *complex128, run, apart int, sign float64)
TEXT ·radix4AVX(SB), NOSPLIT, $0-48
	ARGS
	SIGN
	VBROADCASTSD (R8), Y8
	VBROADCASTSD 8(R8), Y9
	VBROADCASTSD 16(R8), Y10
	VBROADCASTSD 24(R8), Y11
	VBROADCASTSD 32(R8), Y12
	VBROADCASTSD 40(R8), Y13

four:
	VMOVUPD (SI), Y0
	VMOVUPD (SI)(R10*1), Y1
	VMOVUPD (SI)(R10*2), Y2
	VMOVUPD (SI)(R12*1), Y3
	VADDPD  Y2, Y0, Y4      // a
	VSUBPD  Y2, Y0, Y5      // b
	VADDPD  Y3, Y1, Y6      // c
	VSUBPD  Y3, Y1, Y7
	TURN(Y7)                // d
	VADDPD  Y6, Y4, Y0
	VSUBPD  Y6, Y4, Y1
	VADDPD  Y7, Y5, Y2
	VSUBPD  Y7, Y5, Y3
	VMOVUPD Y0, (DI)
	TIMES(Y2, Y8, Y9, Y4)
	TIMES(Y1, Y10, Y11, Y5)
	TIMES(Y3, Y12, Y13, Y6)
	VMOVUPD Y2, (DI)(R9*1)
	VMOVUPD Y1, (DI)(R9*2)
	VMOVUPD Y3, (DI)(R11*1)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $2, CX
	JGT     four
	VZEROUPPER
	RET

// func radix5AVX(y, x, w *complex128, run, apart int, sign float64)
TEXT ·radix5AVX(SB), NOSPLIT, $0-48
	ARGS
	SIGN
	VBROADCASTSD constants<>+16(SB), Y11
	VBROADCASTSD constants<>+24(SB), Y12
	VBROADCASTSD constants<>+32(SB), Y13
	VBROADCASTSD constants<>+40(SB), Y14

five:
	VMOVUPD (SI), Y0
	VMOVUPD (SI)(R10*1), Y1
	VMOVUPD (SI)(R10*2), Y2
	VMOVUPD (SI)(R12*1), Y3
	VMOVUPD (SI)(R10*4), Y4
	VADDPD  Y4, Y1, Y5      // t1
	VSUBPD  Y4, Y1, Y7      // t3
	VADDPD  Y3, Y2, Y6      // t2
	VSUBPD  Y3, Y2, Y8      // t4
	VMULPD  Y11, Y5, Y1
	VADDPD  Y1, Y0, Y1
	VMULPD  Y13, Y6, Y9
	VADDPD  Y9, Y1, Y1      // a1
	VMULPD  Y13, Y5, Y2
	VADDPD  Y2, Y0, Y2
	VMULPD  Y11, Y6, Y9
	VADDPD  Y9, Y2, Y2      // a2
	VADDPD  Y5, Y0, Y0
	VADDPD  Y6, Y0, Y0
	VMOVUPD Y0, (DI)
	VMULPD  Y12, Y7, Y3
	VMULPD  Y14, Y8, Y9
	VADDPD  Y9, Y3, Y3
	TURN(Y3)                // b1
	VMULPD  Y14, Y7, Y4
	VMULPD  Y12, Y8, Y9
	VSUBPD  Y9, Y4, Y4
	TURN(Y4)                // b2
	VADDPD  Y3, Y1, Y5
	VSUBPD  Y3, Y1, Y6
	VADDPD  Y4, Y2, Y7
	VSUBPD  Y4, Y2, Y8
	VBROADCASTSD (R8), Y0
	VBROADCASTSD 8(R8), Y1
	TIMES(Y5, Y0, Y1, Y2)
	VMOVUPD Y5, (DI)(R9*1)
	VBROADCASTSD 16(R8), Y0
	VBROADCASTSD 24(R8), Y1
	TIMES(Y7, Y0, Y1, Y2)
	VMOVUPD Y7, (DI)(R9*2)
	VBROADCASTSD 32(R8), Y0
	VBROADCASTSD 40(R8), Y1
	TIMES(Y8, Y0, Y1, Y2)
	VMOVUPD Y8, (DI)(R11*1)
	VBROADCASTSD 48(R8), Y0
	VBROADCASTSD 56(R8), Y1
	TIMES(Y6, Y0, Y1, Y2)
	VMOVUPD Y6, (DI)(R9*4)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $2, CX
	JGT     five
	VZEROUPPER
	RET
