/* fiber.c - see fiber.h.  On x86-64 a switch is a dozen instructions; elsewhere it is swapcontext,
 * which asks the kernel for the signal mask each time. */
#include "fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

enum { PAGE = 4096, STACK = 128 << 10 };

struct context {
#ifdef __x86_64__
	void *top; /* the stack pointer, while another runs */
#else
	ucontext_t machine;
#endif
	void *fake_stack; /* AddressSanitizer's */
};

struct fiber {
	char *stack;
	void (*run)(void);
	struct context context;
};

static struct context scheduler;
static struct fiber *entered;
#ifdef HAVE_ASAN
static const void *scheduler_stack;
static size_t scheduler_bytes;
#endif

#ifdef __x86_64__
void fiber_switch(void **from, void *to);
/* What the caller of a function expects to be preserved, and the stack. */
__asm__(".text\n"
	".local fiber_switch\n"
	".type fiber_switch, @function\n"
	"fiber_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size fiber_switch, .-fiber_switch\n");
#endif

struct fiber *fiber_new(void)
{
	struct fiber *fiber = calloc(1, sizeof *fiber);
	char *memory = mmap(NULL, PAGE + STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!fiber || memory == MAP_FAILED || mprotect(memory, PAGE, PROT_NONE) != 0)
		abort();
	fiber->stack = memory + PAGE;
#ifdef VALGRIND_STACK_REGISTER
	(void)VALGRIND_STACK_REGISTER(fiber->stack, fiber->stack + STACK);
#endif
	return fiber;
}

static void begin(void)
{
#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_bytes);
#endif
	entered->run();
	abort();
}

void fiber_start(struct fiber *fiber, void (*run)(void))
{
	fiber->run = run;
#ifdef HAVE_ASAN
	/* What was on it before has not returned, and so has left its marks. */
	__asan_unpoison_memory_region(fiber->stack, STACK);
#endif
#ifdef __x86_64__
	/* As if begin had been called at the top: a return address, then six registers. */
	void **top = (void **)(void *)(fiber->stack + STACK) - 1;

	*top-- = NULL;
	*top = (void *)(uintptr_t)begin;
	fiber->context.top = top - 6;
#else
	getcontext(&fiber->context.machine);
	fiber->context.machine.uc_stack.ss_sp = fiber->stack;
	fiber->context.machine.uc_stack.ss_size = STACK;
	fiber->context.machine.uc_link = NULL;
	makecontext(&fiber->context.machine, begin, 0);
#endif
}

static void change(struct context *from, struct context *to)
{
#ifdef __x86_64__
	fiber_switch(&from->top, to->top);
#else
	swapcontext(&from->machine, &to->machine);
#endif
}

void fiber_enter(struct fiber *fiber)
{
	entered = fiber;
#ifdef HAVE_ASAN
	__sanitizer_start_switch_fiber(&scheduler.fake_stack, fiber->stack, STACK);
#endif
	change(&scheduler, &fiber->context);
#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(scheduler.fake_stack, NULL, NULL);
#endif
}

void fiber_leave(struct fiber *fiber, int last)
{
	(void)last;
#ifdef HAVE_ASAN
	__sanitizer_start_switch_fiber(
		last ? NULL : &fiber->context.fake_stack, scheduler_stack, scheduler_bytes);
#endif
	change(&fiber->context, &scheduler);
#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(
		fiber->context.fake_stack, &scheduler_stack, &scheduler_bytes);
#endif
}
