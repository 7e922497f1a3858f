/* What is compiled once for each instruction set has a name for each: FOR_ISA(ad_loops) is ad_loops_avx2 in the files
 * for AVX2. For C and C++. */
#ifndef AD_ISA_H
#define AD_ISA_H

#if defined(AD_ISA_AVX512)
#define FOR_ISA(name) name##_avx512
#elif defined(AD_ISA_AVX2)
#define FOR_ISA(name) name##_avx2
#else
#define FOR_ISA(name) name##_baseline
#endif

#endif
