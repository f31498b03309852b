#include "textflag.h"

// The functions of convolve.go on vectors of four numbers (eight in single
// precision), rounding as there, so that every sum has the same bits.
//
// The correlations work on blocks of 32 sums in Y1 to Y8 (of 40 in Y1 to Y5 in
// single precision), one pass over the terms for each. A run that is no
// multiple of a block ends in one that overlaps the block before; shorter runs
// go by vectors and by one.

// func correlateAVX(dst *float64, src *float64, off []int, w []float64, n int)
TEXT ·correlateAVX(SB), NOSPLIT, $0-72
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ off_base+16(FP), R8
	MOVQ w_base+40(FP), R9
	MOVQ w_len+48(FP), R10
	MOVQ n+64(FP), CX
	CMPQ CX, $32
	JLT four
block:
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	VXORPD Y4, Y4, Y4
	VXORPD Y5, Y5, Y5
	VXORPD Y6, Y6, Y6
	VXORPD Y7, Y7, Y7
	VXORPD Y8, Y8, Y8
	CMPQ R10, $0
	JEQ store
	XORQ AX, AX
	MOVQ R8, R11
tap:
	MOVQ (R11), DX
	ADDQ $8, R11
	LEAQ (SI)(DX*8), DX
	VBROADCASTSD (R9)(AX*8), Y0
	VFMADD231PD (DX), Y0, Y1
	VFMADD231PD 32(DX), Y0, Y2
	VFMADD231PD 64(DX), Y0, Y3
	VFMADD231PD 96(DX), Y0, Y4
	VFMADD231PD 128(DX), Y0, Y5
	VFMADD231PD 160(DX), Y0, Y6
	VFMADD231PD 192(DX), Y0, Y7
	VFMADD231PD 224(DX), Y0, Y8
	INCQ AX
	CMPQ AX, R10
	JLT tap
store:
	VMOVUPD Y1, (DI)
	VMOVUPD Y2, 32(DI)
	VMOVUPD Y3, 64(DI)
	VMOVUPD Y4, 96(DI)
	VMOVUPD Y5, 128(DI)
	VMOVUPD Y6, 160(DI)
	VMOVUPD Y7, 192(DI)
	VMOVUPD Y8, 224(DI)
	ADDQ $256, DI
	ADDQ $256, SI
	SUBQ $32, CX
	JEQ done
	CMPQ CX, $32
	JGE block

	// The rest: once more 32, from as far back as needed.
	MOVQ $32, R12
	SUBQ CX, R12
	MOVQ R12, R13
	SHLQ $3, R13
	SUBQ R13, DI
	MOVQ R12, R13
	SHLQ $3, R13
	SUBQ R13, SI
	MOVQ $32, CX
	JMP block

four:
	CMPQ CX, $4
	JLT one
	VXORPD Y1, Y1, Y1
	CMPQ R10, $0
	JEQ storefour
	XORQ AX, AX
	MOVQ R8, R11
tapfour:
	MOVQ (R11), DX
	ADDQ $8, R11
	LEAQ (SI)(DX*8), DX
	VBROADCASTSD (R9)(AX*8), Y0
	VFMADD231PD (DX), Y0, Y1
	INCQ AX
	CMPQ AX, R10
	JLT tapfour
storefour:
	VMOVUPD Y1, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $4, CX
	JMP four

one:
	CMPQ CX, $0
	JEQ done
	VXORPD X1, X1, X1
	CMPQ R10, $0
	JEQ storeone
	XORQ AX, AX
	MOVQ R8, R11
tapone:
	MOVQ (R11), DX
	ADDQ $8, R11
	LEAQ (SI)(DX*8), DX
	VMOVSD (R9)(AX*8), X0
	VFMADD231SD (DX), X0, X1
	INCQ AX
	CMPQ AX, R10
	JLT tapone
storeone:
	VMOVSD X1, (DI)
	ADDQ $8, DI
	ADDQ $8, SI
	DECQ CX
	JMP one

done:
	VZEROUPPER
	RET

// func correlateVoxelsAVX(dst *float64, src *float32, off []int, w []float64, n int)
TEXT ·correlateVoxelsAVX(SB), NOSPLIT, $0-72
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ off_base+16(FP), R8
	MOVQ w_base+40(FP), R9
	MOVQ w_len+48(FP), R10
	MOVQ n+64(FP), CX
	CMPQ CX, $32
	JLT four
block:
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	VXORPD Y4, Y4, Y4
	VXORPD Y5, Y5, Y5
	VXORPD Y6, Y6, Y6
	VXORPD Y7, Y7, Y7
	VXORPD Y8, Y8, Y8
	CMPQ R10, $0
	JEQ store
	XORQ AX, AX
	MOVQ R8, R11
tap:
	MOVQ (R11), DX
	ADDQ $8, R11
	LEAQ (SI)(DX*4), DX
	VBROADCASTSD (R9)(AX*8), Y0
	VCVTPS2PD (DX), Y9
	VFMADD231PD Y9, Y0, Y1
	VCVTPS2PD 16(DX), Y10
	VFMADD231PD Y10, Y0, Y2
	VCVTPS2PD 32(DX), Y11
	VFMADD231PD Y11, Y0, Y3
	VCVTPS2PD 48(DX), Y12
	VFMADD231PD Y12, Y0, Y4
	VCVTPS2PD 64(DX), Y9
	VFMADD231PD Y9, Y0, Y5
	VCVTPS2PD 80(DX), Y10
	VFMADD231PD Y10, Y0, Y6
	VCVTPS2PD 96(DX), Y11
	VFMADD231PD Y11, Y0, Y7
	VCVTPS2PD 112(DX), Y12
	VFMADD231PD Y12, Y0, Y8
	INCQ AX
	CMPQ AX, R10
	JLT tap
store:
	VMOVUPD Y1, (DI)
	VMOVUPD Y2, 32(DI)
	VMOVUPD Y3, 64(DI)
	VMOVUPD Y4, 96(DI)
	VMOVUPD Y5, 128(DI)
	VMOVUPD Y6, 160(DI)
	VMOVUPD Y7, 192(DI)
	VMOVUPD Y8, 224(DI)
	ADDQ $256, DI
	ADDQ $128, SI
	SUBQ $32, CX
	JEQ done
	CMPQ CX, $32
	JGE block

	// The rest: once more 32, from as far back as needed.
	MOVQ $32, R12
	SUBQ CX, R12
	MOVQ R12, R13
	SHLQ $3, R13
	SUBQ R13, DI
	MOVQ R12, R13
	SHLQ $2, R13
	SUBQ R13, SI
	MOVQ $32, CX
	JMP block

four:
	CMPQ CX, $4
	JLT one
	VXORPD Y1, Y1, Y1
	CMPQ R10, $0
	JEQ storefour
	XORQ AX, AX
	MOVQ R8, R11
tapfour:
	MOVQ (R11), DX
	ADDQ $8, R11
	LEAQ (SI)(DX*4), DX
	VBROADCASTSD (R9)(AX*8), Y0
	VCVTPS2PD (DX), Y9
	VFMADD231PD Y9, Y0, Y1
	INCQ AX
	CMPQ AX, R10
	JLT tapfour
storefour:
	VMOVUPD Y1, (DI)
	ADDQ $32, DI
	ADDQ $16, SI
	SUBQ $4, CX
	JMP four

one:
	CMPQ CX, $0
	JEQ done
	VXORPD X1, X1, X1
	CMPQ R10, $0
	JEQ storeone
	XORQ AX, AX
	MOVQ R8, R11
tapone:
	MOVQ (R11), DX
	ADDQ $8, R11
	LEAQ (SI)(DX*4), DX
	VMOVSD (R9)(AX*8), X0
	VXORPD X9, X9, X9
	VCVTSS2SD (DX), X9, X9
	VFMADD231SD X9, X0, X1
	INCQ AX
	CMPQ AX, R10
	JLT tapone
storeone:
	VMOVSD X1, (DI)
	ADDQ $8, DI
	ADDQ $4, SI
	DECQ CX
	JMP one

done:
	VZEROUPPER
	RET

// func correlateSinglesAVX(dst, src *float32, off []int, w []float32, n int)
TEXT ·correlateSinglesAVX(SB), NOSPLIT, $0-72
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ off_base+16(FP), R8
	MOVQ w_base+40(FP), R9
	MOVQ w_len+48(FP), R10
	MOVQ n+64(FP), CX
	CMPQ CX, $40
	JLT eight

block:
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	CMPQ R10, $0
	JEQ store
	XORQ AX, AX
tap:
	MOVQ (R8)(AX*8), DX
	LEAQ (SI)(DX*4), DX
	VBROADCASTSS (R9)(AX*4), Y0
	VMULPS (DX), Y0, Y9
	VADDPS Y9, Y1, Y1
	VMULPS 32(DX), Y0, Y10
	VADDPS Y10, Y2, Y2
	VMULPS 64(DX), Y0, Y11
	VADDPS Y11, Y3, Y3
	VMULPS 96(DX), Y0, Y12
	VADDPS Y12, Y4, Y4
	VMULPS 128(DX), Y0, Y13
	VADDPS Y13, Y5, Y5
	INCQ AX
	CMPQ AX, R10
	JLT tap

store:
	VMOVUPS Y1, (DI)
	VMOVUPS Y2, 32(DI)
	VMOVUPS Y3, 64(DI)
	VMOVUPS Y4, 96(DI)
	VMOVUPS Y5, 128(DI)
	ADDQ $160, DI
	ADDQ $160, SI
	SUBQ $40, CX
	JEQ done
	CMPQ CX, $40
	JGE block

	// The rest: once more 40, from as far back as needed.
	MOVQ $40, R12
	SUBQ CX, R12
	SHLQ $2, R12
	SUBQ R12, DI
	SUBQ R12, SI
	MOVQ $40, CX
	JMP block

eight:
	CMPQ CX, $8
	JLT one
	VXORPS Y1, Y1, Y1
	CMPQ R10, $0
	JEQ storeeight
	XORQ AX, AX
tapeight:
	MOVQ (R8)(AX*8), DX
	LEAQ (SI)(DX*4), DX
	VBROADCASTSS (R9)(AX*4), Y0
	VMULPS (DX), Y0, Y9
	VADDPS Y9, Y1, Y1
	INCQ AX
	CMPQ AX, R10
	JLT tapeight

storeeight:
	VMOVUPS Y1, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $8, CX
	JMP eight

one:
	CMPQ CX, $0
	JEQ done
	VXORPS X1, X1, X1
	CMPQ R10, $0
	JEQ storeone
	XORQ AX, AX
tapone:
	MOVQ (R8)(AX*8), DX
	LEAQ (SI)(DX*4), DX
	VMOVSS (R9)(AX*4), X0
	VMULSS (DX), X0, X9
	VADDSS X9, X1, X1
	INCQ AX
	CMPQ AX, R10
	JLT tapone

storeone:
	VMOVSS X1, (DI)
	ADDQ $4, DI
	ADDQ $4, SI
	DECQ CX
	JMP one

done:
	VZEROUPPER
	RET

// func addScaledAVX(dst, x *float64, f float64, n int)
TEXT ·addScaledAVX(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSD f+16(FP), Y0
	MOVQ n+24(FP), CX

many:
	CMPQ CX, $4
	JLT few
	VMOVUPD (DI), Y1
	VFMADD231PD (SI), Y0, Y1
	VMOVUPD Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JMP many

few:
	CMPQ CX, $0
	JEQ end
	VMOVSD (DI), X1
	VFMADD231SD (SI), X0, X1
	VMOVSD X1, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	DECQ CX
	JMP few

end:
	VZEROUPPER
	RET

// func maximaAVX(dst, x *float64, n int)
TEXT ·maximaAVX(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX

many:
	CMPQ CX, $4
	JLT few
	VMOVUPD (DI), Y1
	VMAXPD (SI), Y1, Y1
	VMOVUPD Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JMP many

few:
	CMPQ CX, $0
	JEQ end
	VMOVSD (DI), X1
	VMAXSD (SI), X1, X1
	VMOVSD X1, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	DECQ CX
	JMP few

end:
	VZEROUPPER
	RET

// func minimaAVX(dst, x *float64, n int)
TEXT ·minimaAVX(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX

many:
	CMPQ CX, $4
	JLT few
	VMOVUPD (DI), Y1
	VMINPD (SI), Y1, Y1
	VMOVUPD Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JMP many

few:
	CMPQ CX, $0
	JEQ end
	VMOVSD (DI), X1
	VMINSD (SI), X1, X1
	VMOVSD X1, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	DECQ CX
	JMP few

end:
	VZEROUPPER
	RET

// func moduliAVX(dst, x *float64, n int)
TEXT ·moduliAVX(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX

many:
	CMPQ CX, $4
	JLT few
	VMOVUPD (DI), Y1
	VMOVUPD (SI), Y2
	VMULPD Y1, Y1, Y1
	VFMADD231PD Y2, Y2, Y1
	VSQRTPD Y1, Y1
	VMOVUPD Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JMP many

few:
	CMPQ CX, $0
	JEQ end
	VMOVSD (DI), X1
	VMOVSD (SI), X2
	VMULSD X1, X1, X1
	VFMADD231SD X2, X2, X1
	VSQRTSD X1, X1, X1
	VMOVSD X1, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	DECQ CX
	JMP few

end:
	VZEROUPPER
	RET

// func storeScaledAVX(dst *float32, x *float64, f float64, n int)
TEXT ·storeScaledAVX(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	VBROADCASTSD f+16(FP), Y0
	MOVQ n+24(FP), CX

many:
	CMPQ CX, $4
	JLT few
	VMULPD (SI), Y0, Y1
	VCVTPD2PSY Y1, X1
	VMOVUPS X1, (DI)
	ADDQ $32, SI
	ADDQ $16, DI
	SUBQ $4, CX
	JMP many

few:
	CMPQ CX, $0
	JEQ end
	VMULSD (SI), X0, X1
	VCVTSD2SS X1, X1, X1
	VMOVSS X1, (DI)
	ADDQ $8, SI
	ADDQ $4, DI
	DECQ CX
	JMP few

end:
	VZEROUPPER
	RET
