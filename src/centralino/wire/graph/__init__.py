# SPDX-License-Identifier: Apache-2.0
"""Microsoft Graph's cloud communications as it stands on the wire: names, shapes, codes.

Sans-IO codecs for both ends: the envelope of notifications (`notification`), addresses of calls
and what hangs on them in every spelling (`resource`), ids (`ids`), states (`states`) and the
lifecycle of a call (`call_lifecycle`), result codes (`result`), identities (`identity`), tones
(`tones`), durations and instants of ISO 8601 (`iso8601`). Knows no contact-center word.
"""
