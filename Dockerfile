# syntax=docker/dockerfile:1
# The app and the commands of artsim. Build: docker build --tag artsim .
# Run: docker run --read-only --tmpfs /tmp --volume artsim-cache:/cache --publish 127.0.0.1:7860:7860 artsim
# What it may write, and a deployment with Milvus: docs/scaling.md, "Serving".

FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /requirements
COPY requirements*.txt constraints.txt ./
# requirements-scale.txt: also what a collection that is searched on Milvus needs
ARG REQUIREMENTS=requirements.txt
RUN PIP_CONSTRAINT=constraints.txt pip install -r "$REQUIREMENTS"

FROM python:3.11-slim-bookworm
COPY --from=packages /venv /venv
COPY artsim /app/artsim
RUN /venv/bin/python -m compileall -q /app \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent artsim \
    && install --directory --owner=artsim --group=artsim /cache /collections
USER 10001:10001
WORKDIR /app
# Everything that is written goes to /cache, which also has what comes from the Hub, to /collections, and to /tmp.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ARTSIM_CACHE=/cache/artsim \
    HF_HOME=/cache/huggingface \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860
VOLUME ["/cache", "/collections"]
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=5)"]
ENTRYPOINT ["python", "-m", "artsim"]
CMD ["serve"]
