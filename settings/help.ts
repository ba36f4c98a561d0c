/** What `--help` says: the programs, their flags, and the settings behind them. */
export const HELP = `DRaaS runs a fleet of servers and keeps them as you asked.

  deno task start [flags]            on one machine: control plane, HTTP API and worker in one process
  deno task serve [flags]            a control plane on Redis; as many as you like on one Redis
  deno task worker:process [flags]   a worker on any host that reaches the Redis; runs servers as processes
  deno task worker:docker [flags]    a worker beside a Docker daemon; runs images as containers
  deno task worker:kubernetes [flags]  a worker for a namespace of a cluster (worker:aks is the same); runs images as pods
  deno task worker:doctor [flags]    looks at a host and its Redis as a worker would, and says what to do
  deno task draas [command]          the command line, over the HTTP API of a control plane; it has a --help of its own
  deno task log:verify [flags]       folds the log anew and compares it with what was kept of it
  deno task log:export --to FILE     copies the whole log, beside the fleet that uses it, into one file
  deno task log:import --from FILE   puts such a copy into an empty Redis namespace, or into an empty data folder
  deno task backup:verify --from FILE  folds such a copy and compares it with what it says of itself

Flags of all                  Setting                     Default
  --namespace NAME            DRAAS_NAMESPACE             default: the fleet's name
  --log-level LEVEL           DRAAS_LOG_LEVEL             info: of the program's own log; debug, info, warn or error
  --log-format FORMAT         DRAAS_LOG_FORMAT            auto: text in a terminal, lines of JSON elsewhere; text or json
                              OTEL_DENO                   none; true: traces by OpenTelemetry, see docs/operate.md
  --version, --help

Flags of start and serve
  --host ADDRESS              DRAAS_HOST                  127.0.0.1
  --port N                    DRAAS_PORT                  4700 (0: any free port)
  --command-timeout-ms N      DRAAS_COMMAND_TIMEOUT_MS    30000
  --queue-timeout-ms N        DRAAS_QUEUE_TIMEOUT_MS      600000
  --retention TIME            DRAAS_RETENTION             none: every event is kept; 30d, at least 1d
  --retention-events N        DRAAS_RETENTION_EVENTS      none; never younger ones than a day
  --headless                  no terminal UI, also in a terminal
                              DRAAS_API_TOKEN             none; an admin's token, of at least 16 characters
  --tokens-file FILE          DRAAS_TOKENS_FILE           tokens.yaml in the working folder, if there is one: tokens
                                                          with roles; \`draas token new\` makes them. For other
                                                          addresses than loopback one of the two is needed
  --allowed-origins ORIGINS   DRAAS_ALLOWED_ORIGINS       none: web pages that may ask, as in https://fleet.example
  --reads-per-second N        DRAAS_READS_PER_SECOND      2000 of one caller, twice as many at once; 0: no limit
  --changes-per-second N      DRAAS_CHANGES_PER_SECOND    1000, likewise

Flags of start
  --data-dir FOLDER           DRAAS_DATA_DIR              .draas; log:verify, log:export and log:import use it where
                                                          no REDIS_URL is
  --stop-on-exit              stop every instance when DRaaS ends

Flags of serve, the workers, log:verify, log:export and log:import
                              REDIS_URL                   none: redis://host:port, rediss://, redis+sentinel://,
                                                          redis+cluster://; ConnectionStrings__Redis does as well
  --redis-wait TIME           DRAAS_REDIS_WAIT            30s: how long to wait for Redis at the start

Flags of log:export, log:import and backup:verify
  --to FILE                                               log:export: the file to write; with .gz at its end it is
                                                          packed; - is standard output
  --from FILE                                             the others: the file to read, packed or not; - is standard
                                                          input

Flags of the workers and worker:doctor
  --data-dir FOLDER           DRAAS_DATA_DIR              .draas-worker, .draas-docker, .draas-kubernetes: one each
  --worker-id ID              DRAAS_WORKER_ID             made at the first start, kept in the data folder
  --slots N                   DRAAS_WORKER_SLOTS          64: how many instances it works on at once
  --label KEY=VALUE           DRAAS_WORKER_LABELS         none; may be repeated (zone=a,disk=ssd in the setting)
  --patience TIME             DRAAS_WORKER_PATIENCE       10s: for what is in hand when it is told to end
  --json                      worker:doctor: what it found as JSON; code 1 when something is in a worker's way

Flags of worker:kubernetes
  --context NAME              DRAAS_KUBERNETES_CONTEXT    the kubeconfig's current one
  --cluster-namespace NAME    DRAAS_KUBERNETES_NAMESPACE  the context's; in a pod, the pod's own
  --volume-size SIZE          DRAAS_KUBERNETES_VOLUME_SIZE  1Gi: of each volume of an instance
                              KUBECONFIG                  ~/.kube/config; in a pod its service account

Of all that run servers
  --policy FILE               DRAAS_WORKER_POLICY         worker.yaml in the working folder, if there is one: what may
                                                          run on this host; without it a worker runs drasi-server only
                              DOCKER_HOST                 unix:///var/run/docker.sock; or ssh://user@host; or
                                                          tcp://host:2376, with
                              DOCKER_CERT_PATH            none: the folder with ca.pem, cert.pem and key.pem
                              DOCKER_CONFIG               ~/.docker: who this host is to registries, by docker login
                                                          and by credential helpers
                              DRAAS_SECRET_<NAME>         none: what \${secret:name} stands for; or a file in
                                                          <data folder>/secrets
  --log-mib N                 DRAAS_LOG_MIB               64: of one instance's output; worker:docker: of one run's
  --log-age TIME              DRAAS_LOG_AGE               7d: older output is removed
  --deleted-logs-mib N        DRAAS_DELETED_LOGS_MIB      1024: output of deleted instances, kept as long
                              DRASI_SERVER_BIN            drasi-server, found on PATH
                              DRASI_PLUGINS_DIR           plugins beside drasi-server; else in each instance's folder
                              DRASI_SERVER_IMAGE          ghcr.io/drasi-project/drasi-server:latest: what runs for
                                                          drasi-server where images do
                              DRAAS_STANDIN               start: auto, a stand-in runs where no drasi-server is;
                                                          worker:process: never

Flags come before the environment, the environment before draas.yaml, which holds the same names.

  curl http://127.0.0.1:4700/    lists what the API can do`;
