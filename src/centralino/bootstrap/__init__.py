# SPDX-License-Identifier: Apache-2.0
"""The composition root: settings, logging, certificates, processes, the demo.

The only package that reads the environment, starts processes and knows every other
part. No rule of a contact center lives here.
"""
