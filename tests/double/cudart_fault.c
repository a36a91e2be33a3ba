/* cudart_fault.c - the double of libcudart: faults, and the trace for people.
 *
 * A fault ends the program by abort after one line "gpu double: ...", that says what ran and where.
 * Invalid accesses to the double's memory come as signals; what else crashes is left to whoever
 * handled signals before (a sanitizer, or the system). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr, REG_RIP */
#endif
#include "cudart.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

struct double_trace double_counts;

static void (*where)(char *text, size_t size);
/* SIGILL: what the compiler puts where it checks (-fsanitize=alignment,bounds, trapping). */
enum { SIGNALS = 3 };
static const int signals[SIGNALS] = { SIGSEGV, SIGBUS, SIGILL };
static struct sigaction before[SIGNALS];

const struct double_trace *double_trace(void)
{
	return &double_counts;
}

void double_set_where(void (*function)(char *text, size_t size))
{
	where = function;
}

/* "in NAME of stream 2, block (0,0,0), thread (3,0,0)" */
static void print_place(void)
{
	const struct double_work *work = double_running();
	char text[200] = "";

	if (!work)
		return;
	if (where)
		where(text, sizeof text);
	fprintf(stderr, "\n    in %s of stream %d%s", work->name, work->stream->number, text);
}

static __attribute__((format(printf, 1, 0))) void print_fault(const char *fmt, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "gpu double: ");
	vfprintf(stderr, fmt, args);
	print_place();
	fprintf(stderr, "\n");
}

void double_fault(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_fault(fmt, args);
	va_end(args);
	abort();
}

static __attribute__((format(printf, 1, 2))) void print_fault_of(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_fault(fmt, args);
	va_end(args);
}

/* For a line of the source, where the compiler has told the program none. */
static void print_instruction(const void *context)
{
#ifdef __x86_64__
	const ucontext_t *machine = context;
	char *at = (char *)(uintptr_t)machine->uc_mcontext.gregs[REG_RIP];
	Dl_info info;

	if (dladdr(at, &info) && info.dli_fname)
		fprintf(stderr, "    addr2line -i -e %s %#tx\n", info.dli_fname,
			at - (char *)info.dli_fbase);
#else
	(void)context;
#endif
}

/* What the access was; 0 when it is no matter of the double's. */
static int describe(int signal, const siginfo_t *info, char *text, size_t size)
{
	if (signal != SIGILL && double_describe(info->si_addr, text, size))
		return 1;
	if (signal == SIGILL)
		snprintf(text, size, "what is misaligned or out of bounds");
	else if (info->si_code == SI_KERNEL)
		snprintf(text, size, "what is misaligned, or an impossible address");
	else
		snprintf(text, size, "%p, which is nothing", info->si_addr);
	return double_running() != NULL;
}

static void handle(int signal, siginfo_t *info, void *context)
{
	const struct sigaction *old = before;
	char text[200];
	int is_ours = describe(signal, info, text, sizeof text);

	while (signals[old - before] != signal)
		old++;
	if (is_ours) {
		print_fault_of("%s touches %s",
			double_running() ? "a piece of work"
					 : "the host, outside of all queued work,",
			text);
		print_instruction(context);
	}
	if ((old->sa_flags & SA_SIGINFO) && old->sa_sigaction) {
		old->sa_sigaction(signal, info, context);
	} else {
		if (is_ours)
			abort();
		sigaction(signal, old, NULL); /* the instruction is tried again */
	}
}

/* On a stack of its own: it may be the stack that has overflowed. */
void double_catch_signals(void)
{
	static char stack[64 << 10];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	stack_t present;
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE))
		sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &before[i]);
}

void double_note(const char *kind, const char *name, cudaStream_t stream)
{
	static FILE *file;
	static int looked;

	if (!looked && getenv("CUDA_DOUBLE_TRACE")) {
		file = fopen(getenv("CUDA_DOUBLE_TRACE"), "ae");
		if (!file)
			double_fault("cannot write %s", getenv("CUDA_DOUBLE_TRACE"));
		setvbuf(file, NULL, _IOLBF, 0);
	}
	looked = 1;
	if (file)
		fprintf(file, "%-10s %s %d\n", kind, name, stream ? stream->number : 0);
}
