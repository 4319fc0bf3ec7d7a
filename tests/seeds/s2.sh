#!/usr/bin/env bash
# The document of ORAS 1.1 and later: an artifact of its own, and an image and what belongs to it, in OCI image
# manifests.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
start_registry

REPO=net-monitor
TAG=v1
IMAGE=$REGISTRY/${REPO}:$TAG

step S2-1 'a login with the password on the command line'
oras login $REGISTRY \
  --username $USER_NAME \
  --password $PASSWORD
shows <<<'Login Succeeded'

step S2-2 'a file is pushed as an artifact'
echo 'Readme Content' > readme.md
oras push $REGISTRY/samples/artifact:readme \
    --artifact-type readme/example \
    ./readme.md:application/markdown
shows <<'END'
Uploading [SHORT] readme.md
Uploaded  [SHORT] readme.md
Pushed [registry] [REGISTRY]/samples/artifact:readme
Digest: [DIGEST]
END
silent
grep -qx 'Uploading 2fdeac43552b readme.md' "$box/stdout"

step S2-3 'the same as for Windows, with the separators of this system'
oras push $REGISTRY/samples/artifact:readme \
    --artifact-type readme/example \
    ./readme.md:application/markdown
shows <<<'Pushed [registry] [REGISTRY]/samples/artifact:readme'

step S2-4 'a file and a folder are pushed as one artifact; as it was printed, the line is refused'
mkdir details
echo 'Detailed Content' > details/readme-details.md
echo 'More detailed Content' > details/readme-more-details.md
refused oras push $REGISTRY/samples/artifact:readme \
    --artifact-type readme/example\
./readme.md:application/markdown\
./details
prints <<<'Uploading empty artifact'
warns <<<'Error: invalid artifactType format: readme/example./readme.md:application/markdown./details: invalid media type'
oras push $REGISTRY/samples/artifact:readme \
    --artifact-type readme/example \
    ./readme.md:application/markdown \
    ./details
shows <<'END'
Uploading [SHORT] details
Uploaded  [SHORT] details
Pushed [registry] [REGISTRY]/samples/artifact:readme
END
PUSHED=$(sed -n 's/^Digest: //p' "$box/stdout")

step S2-5 'the same as for Windows, with the separators of this system'
oras push $REGISTRY/samples/artifact:readme \
    --artifact-type readme/example \
    ./readme.md:application/markdown \
    ./details
shows <<<'Pushed [registry] [REGISTRY]/samples/artifact:readme'

step S2-6 'the manifest is shown as it is stored, indented'
oras manifest fetch --pretty $REGISTRY/samples/artifact:readme
same "$(jq -c '[.mediaType, .artifactType, (.layers | map(.annotations["org.opencontainers.image.title"]))]' "$box/stdout")" \
  '["application/vnd.oci.image.manifest.v1+json","readme/example",["readme.md","details"]]'
same "$(head -2 "$box/stdout")" $'{\n  "schemaVersion": 2,'
is_digest "$PUSHED"
same "sha256:$(oras manifest fetch $REGISTRY/samples/artifact@$PUSHED | sha256sum | cut -d' ' -f1)" "$PUSHED"

step S2-7 'the artifact is pulled'
oras pull -o ./download $REGISTRY/samples/artifact:readme
same "$(tree_of ./download)" $'details/readme-details.md\ndetails/readme-more-details.md\nreadme.md'
diff -r details download/details
cmp readme.md download/readme.md

step S2-8 'the artifact is deleted when the question is answered'
oras manifest delete $REGISTRY/samples/artifact:readme </dev/null
prints <<<'Are you sure you want to delete the manifest "[DIGEST]" and all tags associated with it? [y/N] Operation cancelled.'
oras manifest delete $REGISTRY/samples/artifact:readme <<<y
prints <<<'Are you sure you want to delete the manifest "[DIGEST]" and all tags associated with it? [y/N] Deleted [registry] [REGISTRY]/samples/artifact:readme'
[ $has_api = yes ] || refused oras resolve $REGISTRY/samples/artifact:readme

build_image $IMAGE

step S2-9 'a signature is attached'
echo '{"artifact": "'${IMAGE}'", "signature": "jayden hancock"}' > signature.json
oras attach $IMAGE \
    --artifact-type signature/example \
    ./signature.json:application/json
shows <<'END'
Uploaded  [SHORT] signature.json
Attached to [registry] [REGISTRY]/net-monitor@[DIGEST]
Digest: [DIGEST]
END

step S2-10 'the tree shows it'
oras discover -o tree $IMAGE
shows <<'END'
[REGISTRY]/net-monitor@[DIGEST]
└── signature/example
    └── [DIGEST]
END

step S2-11 'an SBOM is attached'
echo '{"version": "0.0.0.0", "artifact": "'${IMAGE}'", "contents": "good"}' > sbom.json
oras attach $IMAGE \
  --artifact-type sbom/example \
  ./sbom.json:application/json
shows <<<'Uploaded  [SHORT] sbom.json'

step S2-12 'the same as for Windows'
oras attach $IMAGE \
  --artifact-type sbom/example \
  ./sbom.json:application/json
shows <<<'Attached to [registry] [REGISTRY]/net-monitor@[DIGEST]'

step S2-13 'the SBOM is found by its type'
SBOM_DIGEST=$(oras discover -o json \
                --artifact-type sbom/example \
                $IMAGE | jq -r ".manifests[0].digest")
is_digest "$SBOM_DIGEST"
filters_agree $IMAGE

step S2-14 'the SBOM is signed'
echo '{"artifact": "'$IMAGE@$SBOM_DIGEST'", "signature": "jayden hancock"}' > sbom-signature.json
oras attach $IMAGE@$SBOM_DIGEST \
  --artifact-type 'signature/example' \
  ./sbom-signature.json:application/json
shows <<<'Attached to [registry] [REGISTRY]/net-monitor:v1@[DIGEST]'

step S2-15 'the tree is two levels deep'
oras discover -o tree $IMAGE
branches <<'END'
sbom/example
sbom/example > signature/example
signature/example
END

# The document dropped the step that attaches what it looks for below.
oras attach $IMAGE \
    --artifact-type readme/example \
    ./readme.md:application/markdown \
    ./details

step S2-16 'everything is copied at once'
TARGET_REPO=$REGISTRY/sample-staging/$REPO
oras copy -r $IMAGE $TARGET_REPO:$TAG
shows <<'END'
Copied [registry] [REGISTRY]/net-monitor:v1 => [registry] [REGISTRY]/sample-staging/net-monitor:v1
Digest: [DIGEST]
END
silent

step S2-17 'the copy has the same tree'
oras discover -o tree $TARGET_REPO:$TAG
shows <<<'[REGISTRY]/sample-staging/net-monitor@[DIGEST]'
branches <<'END'
readme/example
sbom/example
sbom/example > signature/example
signature/example
END

step S2-18 'the documentation of the copy is found by its type'
DOC_DIGEST=$(oras discover -o json \
              --artifact-type 'readme/example' \
              $TARGET_REPO:$TAG | jq -r ".manifests[0].digest")
is_digest "$DOC_DIGEST"

step S2-19 'the documentation is pulled'
rm -r download
oras pull -o ./download $TARGET_REPO@$DOC_DIGEST
same "$(tree_of ./download)" $'details/readme-details.md\ndetails/readme-more-details.md\nreadme.md'

step S2-20 'the tags are listed'
oras repo tags $REGISTRY/$REPO
shows <<<v1
same "$(oras repo tags --exclude-digest-tags $REGISTRY/$REPO)" v1

step S2-21 'the image is deleted, once'
oras manifest delete -f $REGISTRY/$REPO:$TAG
prints <<<'Deleted [registry] [REGISTRY]/net-monitor:v1'
# The registry with the API keeps the tag of what is not there any more.
if [ $has_api = no ]; then
  oras manifest delete -f $REGISTRY/$REPO:$TAG
  prints <<<'Missing [REGISTRY]/net-monitor:v1'
fi

step S2-22 'its copy is deleted'
oras manifest delete -f $REGISTRY/sample-staging/$REPO:$TAG
prints <<<'Deleted [registry] [REGISTRY]/sample-staging/net-monitor:v1'

finish
