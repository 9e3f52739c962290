FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The embedded PostgreSQL is an optional dependency: here DATABASE_URL names a server.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:26-slim AS dashboard
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY dashboard ./dashboard
# Its styles are made of what its sources use; of the service it takes types, which are gone by now.
RUN node dashboard/build.ts

FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 COFFER_DATA_DIR=/var/lib/coffer
# A volume that is mounted here is the user's, who makes the key of the audit log in it.
RUN install -d -o node -g node -m 0700 /var/lib/coffer
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY migrations ./migrations
COPY src ./src
COPY --from=dashboard /app/dashboard/dist ./dashboard/dist
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node runs the sources as they are; as process 1 it gets the signals itself.
# A bounded heap: the service needs up to 250 MB.
ENV MALLOC_ARENA_MAX=2
ENTRYPOINT ["node", "--max-semi-space-size=16", "--max-old-space-size=384", "--v8-pool-size=1", "--no-allocation-site-pretenuring", "src/main.ts"]
CMD ["api"]
