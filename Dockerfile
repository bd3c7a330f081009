# syntax=docker/dockerfile:1
# Two stages: a static binary (the PostgreSQL parser is C, hence gcc in the
# first), then nothing but that binary, as a user without rights.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN make static VERSION=${VERSION} && mkdir /data

FROM gcr.io/distroless/static:nonroot
COPY --from=build /src/bin/shipsql /shipsql
COPY --from=build --chown=nonroot:nonroot /data /data
# Relative paths of shipsql.yaml (sqlite:shipsql.db) land in the volume.
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/shipsql"]
CMD ["serve", "--config", "/etc/shipsql/shipsql.yaml"]
