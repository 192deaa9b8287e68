"""The part of two foreign resources' schemas that the manifests use; a field that is not here is a typing error or new to us.

Taken from the definitions that the projects publish: `keda.sh_scaledobjects.yaml` of KEDA 2.20 with the metadata its Prometheus scaler
reads, `rabbitmq.com_rabbitmqclusters.yaml` of RabbitMQ's cluster operator 2.x. The API server itself would drop unknown fields unsaid.
"""

from typing import Any

Schema = dict[str, Any]


def _object(required: list[str], **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_TEXT: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_AMOUNTS: Schema = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": r"^\d+(m|Mi|Gi)?$"},
}
_METADATA = _object(["name"], name=_TEXT, labels={"type": "object", "additionalProperties": _TEXT})

SCALED_OBJECT = _object(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata=_METADATA,
    spec=_object(
        ["scaleTargetRef", "triggers"],
        scaleTargetRef=_object(["name"], name=_TEXT),
        minReplicaCount=_COUNT,
        maxReplicaCount=_COUNT,
        pollingInterval=_COUNT,
        fallback=_object(["failureThreshold", "replicas"], failureThreshold=_COUNT, replicas=_COUNT),
        advanced=_object(
            ["horizontalPodAutoscalerConfig"],
            horizontalPodAutoscalerConfig=_object(
                ["behavior"],
                behavior=_object([], scaleDown=_object([], stabilizationWindowSeconds=_COUNT)),
            ),
        ),
        triggers={
            "type": "array",
            "minItems": 1,
            "items": _object(
                ["type", "metadata"],
                type={"const": "prometheus"},
                # A fallback is worked out from an average; KEDA takes it for no other type.
                metricType={"const": "AverageValue"},
                metadata=_object(
                    ["serverAddress", "query", "threshold"],
                    serverAddress=_TEXT,
                    query=_TEXT,
                    threshold={"type": "string", "pattern": r"^\d+$"},
                ),
            ),
        },
    ),
)

RABBITMQ_CLUSTER = _object(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "rabbitmq.com/v1beta1"},
    kind={"const": "RabbitmqCluster"},
    metadata=_METADATA,
    spec=_object(
        ["replicas", "image"],
        replicas=_COUNT,
        image=_TEXT,
        resources=_object([], requests=_AMOUNTS, limits=_AMOUNTS),
        persistence=_object(["storage"], storage=_TEXT, storageClassName=_TEXT),
        rabbitmq=_object([], additionalConfig=_TEXT),
        affinity={"type": "object", "required": ["podAntiAffinity"]},
    ),
)

SCHEMAS = {"ScaledObject": SCALED_OBJECT, "RabbitmqCluster": RABBITMQ_CLUSTER}
