#!/usr/bin/env bash
# The document of ORAS 0.16: an image and what belongs to it, in OCI artifact manifests, promoted with one copy.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
start_registry

REPO=net-monitor
TAG=v1
IMAGE=$REGISTRY/${REPO}:$TAG

step S1-1 'a login with the password on the command line'
oras login $REGISTRY \
  --username $USER_NAME \
  --password $PASSWORD
shows <<<'Login Succeeded'

build_image $IMAGE

step S1-2 'a signature is attached, its type before it'
echo '{"artifact": "'${IMAGE}'", "signature": "jayden hancock"}' > signature.json
oras attach $IMAGE \
    --artifact-type signature/example \
    ./signature.json:application/json
shows <<'END'
Uploading [SHORT] signature.json
Uploaded  [SHORT] signature.json
Attached to [registry] [REGISTRY]/net-monitor@[DIGEST]
Digest: [DIGEST]
END
silent

step S1-3 'a file and a folder are attached as one artifact'
echo 'Readme Content' > readme.md
mkdir details
echo 'Detailed Content' > details/readme-details.md
echo 'More detailed Content' > details/readme-more-details.md
oras attach $IMAGE \
    --artifact-type readme/example \
    ./readme.md:application/markdown \
    ./details
shows <<'END'
Uploaded  [SHORT] readme.md
Uploaded  [SHORT] details
END
MANIFEST=$(oras manifest fetch $REGISTRY/$REPO@$(sed -n 's/^Digest: //p' "$box/stdout"))
same "$(jq -c '.layers | map(.annotations["org.opencontainers.image.title"])' <<<"$MANIFEST")" '["readme.md","details"]'

step S1-4 'the same as for Windows, with the separators of this system'
oras attach $IMAGE \
    --artifact-type readme/example \
    ./readme.md:application/markdown \
    ./details
shows <<<'Attached to [registry] [REGISTRY]/net-monitor@[DIGEST]'

step S1-5 'the tree has a branch for each type'
oras discover -o tree $IMAGE
warns <<<'[DEPRECATED] --output is deprecated, try `--format tree` instead'
shows <<<'[REGISTRY]/net-monitor@[DIGEST]'
branches <<'END'
readme/example
signature/example
END

step S1-6 'an SBOM is attached'
echo '{"version": "0.0.0.0", "artifact": "'${IMAGE}'", "contents": "good"}' > sbom.json
oras attach $IMAGE \
  --artifact-type sbom/example \
  ./sbom.json:application/json
shows <<<'Uploaded  [SHORT] sbom.json'

step S1-7 'the same as for Windows'
oras attach $IMAGE \
  --artifact-type sbom/example \
  ./sbom.json:application/json
shows <<<'Attached to [registry] [REGISTRY]/net-monitor@[DIGEST]'

step S1-8 'the SBOM is found by its type'
SBOM_DIGEST=$(oras discover -o json \
                --artifact-type sbom/example \
                $IMAGE | jq -r ".manifests[0].digest")
warns <<<'[DEPRECATED] --output is deprecated, try `--format json` instead'
is_digest "$SBOM_DIGEST"
filters_agree $IMAGE

step S1-9 'the SBOM is signed'
echo '{"artifact": "'$IMAGE@$SBOM_DIGEST'", "signature": "jayden hancock"}' > sbom-signature.json
oras attach $IMAGE@$SBOM_DIGEST \
  --artifact-type 'signature/example' \
  ./sbom-signature.json:application/json
shows <<<'Attached to [registry] [REGISTRY]/net-monitor:v1@[DIGEST]'

step S1-10 'the tree is two levels deep'
oras discover -o tree $IMAGE
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END

step S1-11 'everything is copied at once'
TARGET_REPO=$REGISTRY/sample-staging/$REPO
oras copy -r $IMAGE $TARGET_REPO:$TAG
# Within one registry blobs may be taken over rather than sent.
[ $has_api = yes ] || grep -Eq '^(Copied |Mounted) [0-9a-f]{12} readme.md$' "$box/stdout"
shows <<'END'
Copied [registry] [REGISTRY]/net-monitor:v1 => [registry] [REGISTRY]/sample-staging/net-monitor:v1
Digest: [DIGEST]
END
silent

step S1-12 'the copy has the same tree'
oras discover -o tree $TARGET_REPO:$TAG
shows <<<'[REGISTRY]/sample-staging/net-monitor@[DIGEST]'
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END

step S1-13 'the documentation of the copy is found by its type'
DOC_DIGEST=$(oras discover -o json \
              --artifact-type 'readme/example' \
              $TARGET_REPO:$TAG | jq -r ".manifests[0].digest")
is_digest "$DOC_DIGEST"
filters_agree $TARGET_REPO:$TAG

step S1-14 'the documentation is pulled, and the folder is one again'
oras pull -o ./download $TARGET_REPO@$DOC_DIGEST
shows <<'END'
Downloaded  [SHORT] readme.md
Downloaded  [SHORT] details
Pulled [registry] [REGISTRY]/sample-staging/net-monitor@[DIGEST]
END
same "$(tree_of ./download)" $'details/readme-details.md\ndetails/readme-more-details.md\nreadme.md'
diff -r details download/details
cmp readme.md download/readme.md

step S1-15 'the tags are listed'
oras repo tags $REGISTRY/$REPO
shows <<<v1
same "$(oras repo tags --exclude-digest-tags $REGISTRY/$REPO)" v1

step S1-16 'the image is deleted'
oras manifest delete -f $REGISTRY/$REPO:$TAG
prints <<<'Deleted [registry] [REGISTRY]/net-monitor:v1'
[ $has_api = yes ] || refused oras resolve $REGISTRY/$REPO:$TAG

step S1-17 'its copy is deleted; what was attached is left to the registry'
oras manifest delete -f $REGISTRY/sample-staging/$REPO:$TAG
prints <<<'Deleted [registry] [REGISTRY]/sample-staging/net-monitor:v1'
oras manifest fetch --descriptor $TARGET_REPO@$DOC_DIGEST

step S1-18 'the command of a link in the document has never been'
refused oras delete $REGISTRY/$REPO:$TAG
warns <<'END'
Error: unknown command "delete" for "oras"
Run 'oras --help' for usage.
END

# What the ORAS of that time left: manifests that the first two registries refuse, and a layout holds.
step old-S1 'a graph of OCI artifact manifests is kept as it is'
old_graph oci
old_graph_in_registry

again S1-8 'its SBOM is found, and what it is is not changed'
SBOM_DIGEST=$(oras discover -o json --artifact-type sbom/example --oci-layout old:v1 | jq -r ".manifests[0].digest")
same "$(oras manifest fetch --oci-layout --descriptor old@$SBOM_DIGEST | jq -r .mediaType)" \
  application/vnd.oci.artifact.manifest.v1+json
filters_agree --oci-layout old:v1

again S1-10 'its tree'
oras discover -o tree --oci-layout old:v1
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END
[ $has_api = no ] || oras discover -o tree $REGISTRY/old/$REPO:$TAG
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END

again S1-11 'it is copied at once'
oras copy -r --from-oci-layout --to-oci-layout old:v1 staging:v1
shows <<'END'
Copied  [SHORT] sbom-signature.json
Copied [oci-layout] old:v1 => [oci-layout] staging:v1
END
same "$(oras discover --format json --oci-layout staging:v1 | sed 's/staging@/old@/' | jq -S '.. | .digest? // empty' | sort)" \
  "$(oras discover --format json --oci-layout old:v1 | jq -S '.. | .digest? // empty' | sort)"

again S1-14 'its documentation is pulled'
DOC_DIGEST=$(oras discover -o json --artifact-type 'readme/example' --oci-layout staging:v1 | jq -r ".manifests[0].digest")
oras pull -o ./old-download --oci-layout staging@$DOC_DIGEST
diff -r download old-download
[ $has_api = no ] || { oras pull -o ./old-pulled $REGISTRY/old/$REPO@$DOC_DIGEST && diff -r download old-pulled; }

again S1-16 'in a layout, what is attached goes with the image'
oras manifest delete -f --oci-layout old:v1
prints <<<'Deleted [oci-layout] old:v1'
refused oras manifest fetch --oci-layout --descriptor old@$DOC_DIGEST

finish
