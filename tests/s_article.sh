#!/bin/sh
# SPDX-License-Identifier: ISC
# What doc/article.md types prints what it shows, in either language.
set -u
. "${srcdir:-.}/tests/play.sh"
play doc/article.md doc/article.zh.md
