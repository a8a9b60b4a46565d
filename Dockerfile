# The daemon in a container. `npm run image` prepares what it copies and builds it; BASE_IMAGE is any glibc Linux with
# Node 24 as `node` (and, for the strongest WASI sandbox, bubblewrap).
ARG BASE_IMAGE=node:24-bookworm-slim
FROM ${BASE_IMAGE}

# Production dependencies and the compiled program, as scripts/image.mjs lays them out.
COPY context/ /opt/ergon/
# A volume takes over the owner of what it covers.
COPY --chown=1000:1000 volume/ /

# Everything that must survive lies in /data: identity, books, blobs, activities.
ENV ERGON_DATA_DIR=/data \
    ERGON_API_HOST=0.0.0.0 \
    PATH=/opt/ergon/bin:$PATH
VOLUME /data
EXPOSE 7464 7465
USER 1000:1000

HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
  CMD ["node", "/opt/ergon/healthcheck.mjs"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/ergon/dist/src/cli/main.js"]
CMD ["daemon"]
