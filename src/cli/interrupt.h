/* Ctrl-C: ends the program at once, whatever it computes, but never in the middle of writing a file. */
#ifndef MADANG_CLI_INTERRUPT_H
#define MADANG_CLI_INTERRUPT_H

#include "base/err.h"

/* Call before any other thread starts: SIGINT, SIGTERM and SIGHUP go to a thread of their own, which
 * leaves the terminal in order and ends the program with 128 + the signal's number. */
MUST_CHECK bool interrupt_start(struct err *e);

/* Between these two calls a signal waits. Keep it short. */
void interrupt_hold(void);
void interrupt_release(void);

#endif
