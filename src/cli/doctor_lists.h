#ifndef CLI_DOCTOR_LISTS_H
#define CLI_DOCTOR_LISTS_H

#include <sched.h>
#include <stddef.h>

/* Lists as people write them: cores and names of hosts.  A list that does not fit into n bytes (at
 * least 8) ends in "...". */

/* "0-3,8"; "none" for the empty set. */
void list_cores(char *text, size_t n, const cpu_set_t *cores);

/* The cores of such a list, into the set; nothing behind the first thing that is none. */
void add_listed_cores(cpu_set_t *cores, const char *list);

/* "n[1-4,7],login"; names that follow each other and differ in a number at their end share a
 * bracket.  In the order given; leading zeros stay. */
void list_hosts(char *text, size_t n, const char *const *hosts, int count);

#endif
