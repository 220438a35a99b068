# Two stages: a wheel built from the hash-locked files, then a small image that runs it as an unprivileged user.
# Pinned by digest, so that every build begins with the same bytes: Python 3.12.14 on Debian 12, of September 2026. To
# move on: docker buildx imagetools inspect python:3.12-slim-bookworm
ARG PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/hotline && /opt/hotline/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY migrations ./migrations
COPY seeds ./seeds
RUN /opt/hotline/bin/pip wheel --no-deps --no-build-isolation -w /dist . && /opt/hotline/bin/pip install --no-deps /dist/*.whl

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --home-dir /data hotline && mkdir /data && chown hotline /data
COPY --from=build /opt/hotline /opt/hotline
ENV PATH=/opt/hotline/bin:$PATH HOTLINE_DATA_DIR=/data HOTLINE_HOST=0.0.0.0 PYTHONUNBUFFERED=1
USER hotline
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["hotline", "run"]
