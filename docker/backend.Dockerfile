# Builds the server into a small image that runs as an unprivileged user.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake g++ make perl pkg-config && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package happening-backend && cp target/release/happening-backend /happening-backend

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home happening
COPY --from=build /happening-backend /usr/local/bin/happening-backend
USER 10001
# listen on all addresses, so that clients outside of the container can connect
ENV HOST=0.0.0.0
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=3s --retries=5 CMD ["curl", "-fsS", "http://127.0.0.1:5000/health/ready"]
ENTRYPOINT ["happening-backend"]
CMD ["serve"]
