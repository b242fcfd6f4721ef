#!/bin/sh
# SPDX-License-Identifier: ISC
# What doc/why.md types prints what it shows.
set -u
. "${srcdir:-.}/tests/play.sh"
play doc/why.md
