# The program, and the example service of k8s/deployment.yaml, in an image of nothing else: no shell, no
# libraries, not root.
#
#   docker build -t consensus:latest .

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# Static, since the image has no C library: the gnu target can be, and with the target named its flags
# reach no build script. What was fetched and built before is kept by the builder.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    target="$(rustc -vV | sed -n 's/^host: //p')" && \
    export RUSTFLAGS="-C target-feature=+crt-static" CARGO_PROFILE_RELEASE_STRIP=symbols && \
    cargo build --release --locked --target "$target" \
      --package consensus-cli --bin consensus \
      --package consensus-kubernetes --example pod && \
    mkdir /out && \
    cp "target/$target/release/consensus" /out/consensus && \
    cp "target/$target/release/examples/pod" /out/consensus-pod

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/ /usr/local/bin/
# By number: Kubernetes cannot know that a name is not root's.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/consensus"]
