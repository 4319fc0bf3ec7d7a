#!/usr/bin/env bash
# The document of the alpha of ORAS 0.2 and 0.3: what belongs to an image is pushed with a subject.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
start_registry

REPO=net-monitor
IMAGE=$REGISTRY/${REPO}:v1

# Here the cloud's own program logs in, and ORAS finds what it wrote.
docker_login $REGISTRY
build_image $IMAGE

step S3-1 'a signature is pushed with a subject'
echo '{"artifact": "'${IMAGE}'", "signature": "pat hancock"}' > signature.json
oras push $REGISTRY/$REPO \
    --artifact-type 'signature/example' \
    --subject $IMAGE \
    ./signature.json:application/json
warns <<<'Flag --subject has been deprecated, use "oras attach" instead'
shows <<'END'
Uploading [SHORT] signature.json
Uploaded  [SHORT] signature.json
Pushed [registry] [REGISTRY]/net-monitor
ArtifactType: signature/example
Digest: [DIGEST]
END

step S3-2 'the tree shows it'
oras discover -o tree $IMAGE
shows <<'END'
[REGISTRY]/net-monitor@[DIGEST]
└── signature/example
    └── [DIGEST]
END

step S3-3 'an SBOM is pushed with a subject'
echo '{"version": "0.0.0.0", "artifact": "'${IMAGE}'", "contents": "good"}' > sbom.json
oras push $REGISTRY/$REPO \
    --artifact-type 'sbom/example' \
    --subject $IMAGE \
    ./sbom.json:application/json
warns <<<'Flag --subject has been deprecated, use "oras attach" instead'
shows <<<'Uploaded  [SHORT] sbom.json'

step S3-4 'the SBOM is found by its type'
SBOM_DIGEST=$(oras discover -o json \
                --artifact-type sbom/example \
                $IMAGE | jq -r ".references[0].digest")
warns <<<'[DEPRECATED] --output is deprecated, try `--format json` instead'
is_digest "$SBOM_DIGEST"
filters_agree $IMAGE

step S3-5 'the SBOM is signed: the subject is a digest'
echo '{"artifact": "'$REGISTRY/${REPO}@$SBOM_DIGEST'", "signature": "pat hancock"}' > sbom-signature.json
oras push $REGISTRY/$REPO \
    --artifact-type 'signature/example' \
    --subject $REGISTRY/$REPO@$SBOM_DIGEST \
    ./sbom-signature.json:application/json
warns <<<'Flag --subject has been deprecated, use "oras attach" instead'
shows <<<'Uploaded  [SHORT] sbom-signature.json'

step S3-6 'the tree is two levels deep'
oras discover -o tree $IMAGE
branches <<'END'
sbom/example
sbom/example > signature/example
signature/example
END

step S3-7 'the SBOM is found again'
same "$(oras discover -o json \
          --artifact-type 'sbom/example' \
          $IMAGE | jq -r ".references[0].digest")" "$SBOM_DIGEST"

step S3-8 'the SBOM is pulled, whatever its media type'
oras pull -a \
    -o ./download \
    $REGISTRY/$REPO@$SBOM_DIGEST
warns <<<'Flag --allow-all has been deprecated, all media types are pulled by default'
shows <<<'Downloaded  [SHORT] sbom.json'
same "$(cat ./download/sbom.json)" "$(cat sbom.json)"

# What the ORAS of that time left: manifests that do not say what they are, and that two registries refuse.
echo 'Readme Content' > readme.md
mkdir details
echo 'Detailed Content' > details/readme-details.md
TAG=v1
step old-S3 'a graph of manifests without a media type is kept as it is'
old_graph alpha
old_graph_in_registry

again S3-6 'its tree'
oras discover -o tree --oci-layout old:v1
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END

again S3-7 'its SBOM is found'
SBOM_DIGEST=$(oras discover -o json --artifact-type 'sbom/example' --oci-layout old:v1 | jq -r ".references[0].digest")
is_digest "$SBOM_DIGEST"
same "$(oras manifest fetch --oci-layout old@$SBOM_DIGEST | jq -c keys_unsorted)" '["artifactType","blobs","subject"]'
filters_agree --oci-layout old:v1

again S3-8 'its SBOM is pulled'
oras pull -a -o ./old-download --oci-layout old@$SBOM_DIGEST
diff -r download old-download
[ $has_api = no ] || { oras pull -a -o ./old-pulled $REGISTRY/old/$REPO@$SBOM_DIGEST && diff -r download old-pulled; }

finish
