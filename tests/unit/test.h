/* cmocka and the headers it wants before it. */
#ifndef MADANG_TEST_H
#define MADANG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
