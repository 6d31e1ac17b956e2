/* The shape of recovery codes, where they are told. */
#ifndef MADANG_API_STUDIO_RECOVERY_H
#define MADANG_API_STUDIO_RECOVERY_H

#include "app/recovery.h"
#include "json/write.h"

void recovery_put(struct json_writer *w, const struct app_recovery *recovery);

#endif
