# The image runs `trading-platform` as a user without rights, on a read-only file system, with nothing left to compile.
# How to build and run it: docs/how-to/container.md

FROM python:3.11-slim-bookworm AS build
# The only stage that needs a package index. A private one comes as a secret, which no layer keeps.
ENV PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PIP_NO_WARN_SCRIPT_LOCATION=1
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# Wheels only: nothing is ever compiled from a source package, so no stage needs a compiler.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
        > declared.txt \
    && pip install --ignore-installed --only-binary :all: --constraint requirements.lock --requirement declared.txt \
        --prefix /install/dependencies
COPY README.md LICENSE ./
COPY trading_platform trading_platform
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip wheel --no-deps --wheel-dir wheels . \
    && pip install --no-index --no-deps --prefix /install/project wheels/*.whl

FROM python:3.11-slim-bookworm
# Code compiled for this CPU runs on every x86-64 machine since 2015 and is found there in the cache: with the builder's
# own CPU, another machine would compile everything at every start. On ARM: --build-arg CPU_NAME=generic
ARG CPU_NAME=x86-64-v3
ENV NUMBA_CPU_NAME=$CPU_NAME \
    NUMBA_CPU_FEATURES="" \
    TRADING_PLATFORM_CACHE=/var/cache/trading_platform
# Two layers: the large one changes with the lock, not with the code. Copied, not mounted into a RUN: older builders would
# take a RUN from their cache although what is mounted has changed.
COPY --from=build /install/dependencies /usr/local
COPY --from=build /install/project /usr/local
# Every user may add strategies of their own to the cache (a volume there keeps them); what the build compiles is root's.
RUN pip check \
    && install --directory --mode=1777 "$TRADING_PLATFORM_CACHE" \
    && trading-platform warmup
USER 1000:1000
WORKDIR /project
ARG REVISION=unknown
LABEL org.opencontainers.image.title="trading_platform" \
      org.opencontainers.image.description="Backtests on a full order book: order state machine, risk engine, event log" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["trading-platform"]
CMD ["--help"]
