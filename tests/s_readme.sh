#!/bin/sh
# SPDX-License-Identifier: ISC
# What README.md types prints what it shows.
set -u
. "${srcdir:-.}/tests/play.sh"
play README.md
