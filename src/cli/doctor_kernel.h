#ifndef CLI_DOCTOR_KERNEL_H
#define CLI_DOCTOR_KERNEL_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

/* What the kernel tells in files.  root is "": tests make up a /proc and a /sys in a folder. */

/* What follows key in the first line of a file that begins with it, without the newline.  Returns
 * 1; 0: no such line or file, text is as it was. */
int kernel_line(char *text, size_t n, const char *path, const char *key);

/* Bytes of the host, and those available now; of both no more than the control groups leave in
 * which this process is, in either version of the kernel's interface. */
void kernel_memory(uint64_t *memory, uint64_t *available, const char *root);

/* cores and the hyperthreads that share a core with one of them. */
void kernel_siblings(cpu_set_t *siblings, const cpu_set_t *cores, const char *root);

#endif
