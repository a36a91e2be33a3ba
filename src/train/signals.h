#ifndef TRAIN_SIGNALS_H
#define TRAIN_SIGNALS_H

/* SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 ask for an end with a checkpoint.  They are caught from
 * signals_catch on, for good.  Once a process, before any other thread is there: threads inherit
 * that these signals do not interrupt them. */
void signals_catch(void);

/* The number of the signal that has come, or 0. */
int signals_caught(void);

/* Seconds since the first one came; 0: none has. */
double signals_age(void);

#endif
