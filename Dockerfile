# Vitrine on a CPU, for Docker and Hugging Face Spaces: uid 1000, port 7860, no network needed while it runs.
#
#   docker build -t vitrine .
#   docker run --rm -p 7860:7860 -v vitrine-data:/home/lab/data vitrine
#   docker run --rm -p 7860:7860 --read-only --tmpfs /tmp --tmpfs /home/lab/data:uid=1000 --network none vitrine
#
# A GPU image: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130

FROM python:3.11-slim AS packages
# torch and torchvision from one index: builds of two indexes do not work together.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt /tmp/requirements.txt
RUN grep -E '^torch(vision)?==' /tmp/requirements.txt > /tmp/torch.txt \
    && pip install --index-url "$TORCH_INDEX" -r /tmp/torch.txt \
    && pip install -r /tmp/requirements.txt

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 lab && install -d -o lab -g lab /home/lab/data
COPY --from=packages /venv /venv
WORKDIR /home/lab/vitrine
COPY --chown=lab:lab . .
# Bytecode is written now: at run time the root may be read-only.
RUN /venv/bin/python -m compileall -q app pages components backends
# The data folder is on the container's own disk: SQLite loses its locks on a mounted bucket.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    VITRINE_HOST=0.0.0.0 \
    VITRINE_PORT=7860 \
    VITRINE_DATA_FOLDER=/home/lab/data
USER 1000
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://localhost:7860/api/health', timeout=4)"]
CMD ["python", "-m", "app", "serve"]
