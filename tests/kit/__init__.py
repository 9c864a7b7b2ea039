# SPDX-License-Identifier: Apache-2.0
"""What tests of every level share: virtual time, ports, certificates, child processes.

Nothing here knows a contact-center word. A tool moves in when a second level needs it.
"""
