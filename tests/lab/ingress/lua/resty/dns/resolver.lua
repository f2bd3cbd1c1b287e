-- SPDX-License-Identifier: Apache-2.0
-- Debian has this module under another name.

return require("nginx.dns.resolver")
