/* SPDX-License-Identifier: Apache-2.0 */
/* nghttp2 1.60 renamed everything that used ssize_t. We write the new names; with an older library
 * they mean the old ones. */
#ifndef ORCHESTRATOR_HTTP_NGHTTP2_COMPAT_H
#define ORCHESTRATOR_HTTP_NGHTTP2_COMPAT_H

#include <nghttp2/nghttp2.h>

#if NGHTTP2_VERSION_NUM < 0x013c00
typedef ssize_t nghttp2_ssize;
#define nghttp2_data_provider2    nghttp2_data_provider
#define nghttp2_session_mem_recv2 nghttp2_session_mem_recv
#define nghttp2_session_mem_send2 nghttp2_session_mem_send
#define nghttp2_submit_response2  nghttp2_submit_response
#endif

#endif
