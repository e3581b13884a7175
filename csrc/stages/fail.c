/* stages/fail.c -- the first failure of an engine: its status and its message. */
#include <stdarg.h>
#include <stdio.h>

#include "stages/state.h"

/* Notes the first failure and its text, which stick; returns -1, so that a caller can return it in one line. */
int stages_fail(stages *s, int status, const char *format, ...)
{
    va_list words;
    if (s->status)
        return -1; /* the first failure is the one to tell */
    s->status = status;
    va_start(words, format);
    vsnprintf(s->message, sizeof s->message, format, words);
    va_end(words);
    return -1;
}

/* Text of the first failure, or empty. */
const char *stages_message(const stages *s) { return s->message; }
