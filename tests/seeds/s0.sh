#!/usr/bin/env bash
# The document of ORAS 0.14: an image and what belongs to it, in manifests of the CNCF project ORAS.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
start_registry

REPO=net-monitor
TAG=v1
IMAGE=$REGISTRY/${REPO}:$TAG

step S0-1 'a login with the password on the command line'
oras login $REGISTRY \
  --username $USER_NAME \
  --password $PASSWORD
shows <<<'Login Succeeded'
warns <<<'WARNING! Using --password via the CLI is insecure. Use --password-stdin.'

step S0-2 'a login with the password on standard input'
echo $PASSWORD | oras login $REGISTRY --username $USER_NAME --password-stdin
prints <<<'Login Succeeded'
silent

build_image $IMAGE

step S0-3 'a signature is attached, its type behind it'
echo '{"artifact": "'${IMAGE}'", "signature": "pat hancock"}' > signature.json
oras attach $IMAGE \
    ./signature.json:application/json \
    --artifact-type signature/example
shows <<'END'
Uploading [SHORT] signature.json
Uploaded  [SHORT] signature.json
Attached to [registry] [REGISTRY]/net-monitor@[DIGEST]
Digest: [DIGEST]
END
silent

step S0-4 'several files are attached as one artifact'
echo 'Readme Content' > readme.md
mkdir details
echo 'Detailed Content' > details/readme-details.md
echo 'More detailed Content' > details/readme-more-details.md
oras attach $IMAGE \
    ./readme.md:application/markdown \
    ./details \
    --artifact-type readme/example
shows <<'END'
Uploaded  [SHORT] readme.md
Uploaded  [SHORT] details
END

step S0-5 'the tree has a branch for each type'
oras discover -o tree $IMAGE
warns <<<'[DEPRECATED] --output is deprecated, try `--format tree` instead'
shows <<<'[REGISTRY]/net-monitor@[DIGEST]'
branches <<'END'
readme/example
signature/example
END

step S0-6 'an SBOM is attached'
echo '{"version": "0.0.0.0", "artifact": "'${IMAGE}'", "contents": "good"}' > sbom.json
oras attach $IMAGE \
  ./sbom.json:application/json \
  --artifact-type sbom/example
shows <<<'Uploaded  [SHORT] sbom.json'

step S0-7 'the SBOM is found by its type'
SBOM_DIGEST=$(oras discover -o json \
                --artifact-type sbom/example \
                $IMAGE | jq -r ".referrers[0].digest")
warns <<<'[DEPRECATED] --output is deprecated, try `--format json` instead'
is_digest "$SBOM_DIGEST"
filters_agree $IMAGE

step S0-8 'the SBOM is signed; without its file the line is refused'
echo '{"artifact": "'$IMAGE@$SBOM_DIGEST'", "signature": "pat hancock"}' > sbom-signature.json
refused oras attach $IMAGE@$SBOM_DIGEST \
  --artifact-type 'signature/example'
same "$(head -1 "$box/stderr")" 'Error: neither file nor annotation provided in the command'
oras attach $IMAGE@$SBOM_DIGEST \
  --artifact-type 'signature/example' \
  ./sbom-signature.json:application/json
shows <<'END'
Attached to [registry] [REGISTRY]/net-monitor:v1@[DIGEST]
Digest: [DIGEST]
END

step S0-9 'the tree is two levels deep'
oras discover -o tree $IMAGE
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END

step S0-10 'the documentation is found by its type'
DOC_DIGEST=$(oras discover -o json \
              --artifact-type 'readme/example' \
              $IMAGE | jq -r ".referrers[0].digest")
is_digest "$DOC_DIGEST"

step S0-11 'the documentation is pulled'
oras pull -o ./download $REGISTRY/$REPO@$DOC_DIGEST
shows <<'END'
Downloaded  [SHORT] readme.md
Pulled [registry] [REGISTRY]/net-monitor@[DIGEST]
END
same "$(ls ./download)" $'details\nreadme.md'
same "$(cat download/readme.md)" 'Readme Content'

# What the ORAS of that time left: manifests that the first two registries refuse, and a layout holds.
step old-S0 'a graph of manifests of the CNCF project is kept as it is'
old_graph oras
old_graph_in_registry

again S0-9 'its tree'
oras discover -o tree --oci-layout old:v1
shows <<'END'
├── signature/example
├── readme/example
└── sbom/example
    └── [DIGEST]
        ├── [annotations]
        │   └── io.cncf.oras.artifact.created: "[TIME]"
        └── signature/example
            └── [DIGEST]
                └── [annotations]
                    └── io.cncf.oras.artifact.created: "[TIME]"
END
[ $has_api = no ] || oras discover -o tree $REGISTRY/old/$REPO:$TAG
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END

again S0-10 'its documentation is found'
DOC_DIGEST=$(oras discover -o json --artifact-type 'readme/example' --oci-layout old:v1 | jq -r ".referrers[0].digest")
is_digest "$DOC_DIGEST"
same "$(oras manifest fetch --oci-layout --descriptor old@$DOC_DIGEST | jq -r .mediaType)" \
  application/vnd.cncf.oras.artifact.manifest.v1+json
filters_agree --oci-layout old:v1

again S0-11 'its documentation is pulled'
oras pull -o ./old-download --oci-layout old@$DOC_DIGEST
diff -r download old-download
[ $has_api = no ] || { oras pull -o ./old-pulled $REGISTRY/old/$REPO@$DOC_DIGEST && diff -r download old-pulled; }

finish
