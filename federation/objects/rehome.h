/* SPDX-License-Identifier: Apache-2.0 */
/* An object in another namespace: its own, and every place in it that names the old one. Pure; any
 * thread. */
#ifndef CF_FEDERATION_OBJECTS_REHOME_H
#define CF_FEDERATION_OBJECTS_REHOME_H

#include "base/json.h"

/* In place. Objects without a namespace keep none; a Namespace gets the new name. Names in free
 * text (environment, configuration) stay. */
void cf_object_set_namespace(json_t *object, const char *ns);

#endif
