/* SPDX-License-Identifier: Apache-2.0 */
/* The service's configuration: its table, and where a command gets it from. */
#ifndef CF_CLI_CONFIG_TABLE_H
#define CF_CLI_CONFIG_TABLE_H

#include "base/config.h"
#include "orchestrator/cli/command.h"

extern const struct cf_config_key cf_config_table[]; /* ends with a row without a name */

/* File (--config, CROSSFADE_CONFIG, /etc/crossfade/crossfade.yaml if it is there), environment,
 * flags. Variables of the command line itself (CROSSFADE_SERVER …) are passed over. */
struct cf_config *cf_config_of_cli(const struct cf_cli *cli, struct cf_error *err) CF_NODISCARD;

/* What no single row can say: TLS for every address but loopback, certificate and key together. */
bool cf_config_judge(const struct cf_config *config, struct cf_error *err) CF_NODISCARD;

/* Whether "host:port" means this machine alone. */
bool cf_address_is_loopback(const char *address);

#endif
