/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses as text: which of them may stand behind a Service. Pure; any thread. */
#ifndef CF_BASE_ADDRESS_H
#define CF_BASE_ADDRESS_H

/* "IPv4" or "IPv6", the address types of an EndpointSlice; NULL when the text is no IP address. */
const char *cf_address_type(const char *text);

/* What the API server refuses in an EndpointSlice, in its words for the kind: "a loopback",
 * "an unspecified", "a link-local", "a multicast", "an IPv4-mapped"; NULL when a slice may carry
 * it, and for what is no address. */
const char *cf_address_refused(const char *text);

#endif
