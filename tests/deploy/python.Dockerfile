# Stands in for python:3.12-slim where no registry can be reached: Debian's own Python, on the base that ./dev image makes.
ARG BASE=localhost/debian:bookworm
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip python-is-python3 && rm -rf /var/lib/apt/lists/*
ENV PIP_BREAK_SYSTEM_PACKAGES=1
