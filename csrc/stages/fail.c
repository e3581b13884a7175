/* stages/fail.c -- the first failure of an engine: its status and its message. */
#include <stdarg.h>
#include <stdio.h>

#include "stages/state.h"

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

const char *stages_message(const stages *s) { return s->message; }
