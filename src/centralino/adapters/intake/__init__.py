# SPDX-License-Identifier: Apache-2.0
"""Where webhooks become durable: segments of a log on disk, flushed in groups."""
