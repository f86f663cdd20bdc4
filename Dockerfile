# The hub as an image: built with everything, run without compilers, package managers, root or a writable root file system.
# The version is that of `node` in package.json; a test holds them together.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:${NODE_VERSION}-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# Nobody may change what runs, the hub least of all: files belong to root, the process to a user of its own.
RUN groupadd --gid 10001 weir \
  && useradd --uid 10001 --gid weir --no-create-home --shell /usr/sbin/nologin weir \
  && install --directory --owner=weir --group=weir /var/lib/weir
COPY package.json LICENSE index.ts ./
COPY --from=modules /app/node_modules node_modules
COPY core core
COPY protocols protocols
COPY contracts contracts
COPY clients clients
COPY adapters adapters
COPY transforms transforms
COPY connectors connectors
COPY services services
COPY hub hub
# `weir docs` and `weir schema` are made of it.
COPY docs docs
COPY channels channels
USER 10001:10001
VOLUME /var/lib/weir
EXPOSE 8640
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8640/health/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Twice the young generation of `npm start`: 15 MB more of memory, and an eighth less processor time for a message.
ENTRYPOINT ["node", "--min-semi-space-size=16", "--max-semi-space-size=16", "hub/main.ts"]
CMD ["start", "--config", "/etc/weir/weir.yaml"]
