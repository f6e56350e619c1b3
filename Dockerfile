# One image for every process of the mesh: `carshare` and the names `carshare-<service>`, which are links to it.
# `make image` builds it with docker or podman.
FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libprotobuf-dev protobuf-compiler \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG PROFILE=dist
# Crates and compiled dependencies stay in these caches from one build to the next.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --locked --profile "$PROFILE" --package carshare-mesh --bin carshare \
    && folder="$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")" \
    && install -D "/target/$folder/carshare" /image/usr/local/bin/carshare \
    && for name in auth vehicle booking payment notification gateway sandbox; do \
        ln -s carshare "/image/usr/local/bin/carshare-$name"; \
    done

# glibc, libgcc, certificates of public authorities; no shell and no package manager. Runs as user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="carshare" \
      org.opencontainers.image.description="Car sharing: gateway, auth, vehicle, booking, payment, notification, and the sandbox of their providers" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image /
USER 65532:65532
ENV PATH=/usr/local/bin
CMD ["carshare", "help"]
