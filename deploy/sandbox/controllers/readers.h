/* SPDX-License-Identifier: Apache-2.0 */
/* Pods that read a volume for `verify: checksum` (label crossfade.dev/stage=verify): what they leave as
 * their last words, and their logs. Other pods here say nothing. */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_READERS_H
#define DEPLOY_SANDBOX_CONTROLLERS_READERS_H

#include "deploy/sandbox/controllers/pass.h"

/* Puts the last words of a reading pod that has ended well into its container's status. */
void sbx_reader_leave(struct sbx_pass *p, const json_t *pod, json_t *containers);
/* A sbx_front, for GET …/pods/NAME/log; `world` is a struct sbx_world. */
bool sbx_reader_log(void *world, const struct sbx_call *call, struct sbx_answer *out);

#endif
