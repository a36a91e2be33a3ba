#include "test.h"
#include "double_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void *to_device(const void *host, size_t bytes)
{
	void *p;

	ok_cuda(cudaMalloc(&p, bytes));
	ok_cuda(cudaMemcpy(p, host, bytes, cudaMemcpyHostToDevice));
	return p;
}

void draw_floats(float *x, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		x[i] = (float)((0x800000 + (seed >> 9)) * (seed & 256 ? 0x1p-24 : -0x1p-24));
	}
}

double nearest(double x, int bits, enum ties ties)
{
	int exponent;
	double m = ldexp(frexp(fabs(x), &exponent), bits + 1); /* a whole number with `bits` more */
	double low = floor(m), rest = m - low;
	int up = rest > 0.5 || (rest == 0.5 && (ties == TIES_AWAY || fmod(low, 2) == 1));

	return copysign(ldexp(low + up, exponent - bits - 1), x);
}

unsigned short bf16_bits(double x)
{
	float f = (float)nearest(x, 7, TIES_EVEN);
	unsigned bits;

	memcpy(&bits, &f, sizeof bits);
	return (unsigned short)(bits >> 16);
}

double bf16_value(unsigned short bits)
{
	unsigned wide = (unsigned)bits << 16;
	float f;

	memcpy(&f, &wide, sizeof f);
	return f;
}

void test_faults(void (*f)(void *), void *arg, const char *word, const char *file, int line)
{
	char text[2000];
	ssize_t length = 0, got;
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		f(arg);
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], text + length, sizeof text - 1 - (size_t)length)) > 0)
		length += got;
	text[length] = 0;
	close(ends[0]);
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		print_error("no fault, expected one with '%s'\n", word);
		_fail(file, line);
	}
	test_says(text, word, file, line);
}
