#ifndef BASE_CLONES_H
#define BASE_CLONES_H

/* For files of inner loops, before any other header.
 *
 * CLONES before a function: gcc compiles it for several instruction sets and the machine's best is
 * taken when the program starts.  Without contraction and without reordered sums all give the same
 * bits. (The names that clang 14 gives its clones cannot be called from other files.)
 *
 * gcc makes vectors of loops with several conditions only when it need not keep the order of
 * floating-point traps, which nobody here reads; results are the same. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-trapping-math")
#endif

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

#endif
